-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Refuses tokens that are being made now, so that they are never handed out. p_user and p_space select those of one
-- user, of one space, or of both. Only tokens issued before p_before count, and none of a role in p_spared_roles.
-- Returns how many. The transaction holds the lock of the user or of the space.
create function refuse_pending_grants(
  p_tenant text,
  p_space text,
  p_user text,
  p_before timestamptz,
  p_spared_roles text[]
)
returns integer
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_spaces text[];
  v_users text[];
begin
  with
    refused as (
      update public.grants
      set state = 'refused'
      where
        tenant_id = p_tenant
        and state = 'pending'
        and (p_space is null or space_id = p_space)
        and (p_user is null or user_id = p_user)
        and issued_at < p_before
        and role != all (p_spared_roles)
      returning space_id, user_id
    )
  select array_agg(space_id), array_agg(user_id)
  into v_spaces, v_users
  from refused;
  perform note_places(p_tenant, v_spaces, v_users);
  return coalesce(cardinality(v_users), 0);
end;
$$;
