-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether the user has a live token beside those of a vend that is about to end, if the tenant allows one of a
-- kind: a newer vend has replaced them, or IVS has made a token for another participant because the key that was to
-- sign one for the same participant could not be used. p_grants are the grants of the vend.
create function has_other_live_token(
  p_tenant public.tenants,
  p_space text,
  p_user text,
  p_grants text[],
  p_limits jsonb
)
returns boolean
language plpgsql
stable
as $$
begin
  if p_tenant.one_live_token = 'off' then
    return false;
  end if;
  return exists (
    select
    from
      unnest(grants_by_id(p_tenant.id, p_grants)) as own
      cross join lateral live_grants(
        p_tenant.id, p_space, p_user, array[own.kind], own.participant_id, p_limits
      ) as other
    where other.id != own.id and not is_of_console(own.role)
  );
end;
$$;
