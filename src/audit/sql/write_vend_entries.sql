-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the audit entries of vends, in the transaction of the vends. seal_audit makes the entries within about a
-- second, with their place in the hash chain. The database gives the time: `at` of a row is not read. A caller who is
-- the user themselves is not written twice.
create function write_vend_entries(p_vends public.unsealed_vends[])
returns void
language sql
as $$
  insert into public.unsealed_vends (
    tenant_id, id, caller, action, space_id, user_id, role, stage_grant, chat_grant, request_id
  )
  select
    v.tenant_id, v.id, nullif(v.caller, jsonb_build_object('kind', 'user', 'id', v.user_id)), v.action, v.space_id,
    v.user_id, v.role, v.stage_grant, v.chat_grant, v.request_id
  from unnest(p_vends) as v;
$$;
