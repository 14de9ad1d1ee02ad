-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether changes of role are all that holds a grant: its participant may stay, with a lesser token.
create function is_only_demoted(p_tenant text, p_grant text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select coalesce(bool_and(h.watch_for = 'demoted'), false)
    from public.holds as h
    where h.tenant_id = p_tenant and h.grant_id = p_grant
  );
end;
$$;
