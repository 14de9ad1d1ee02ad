-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the audit entry of a vend, without its place in the hash chain.
create function entry_of_vend(p_vend public.unsealed_vends)
returns public.audit
language sql
immutable
as $$
  select
    row(
      p_vend.tenant_id,
      p_vend.id,
      p_vend.at,
      coalesce(p_vend.caller, jsonb_build_object('kind', 'user', 'id', p_vend.user_id)),
      p_vend.action,
      p_vend.space_id,
      p_vend.user_id,
      null,
      jsonb_strip_nulls(
        jsonb_build_object('role', p_vend.role, 'stageGrant', p_vend.stage_grant, 'chatGrant', p_vend.chat_grant)
      ),
      p_vend.request_id,
      null,
      null
    )::public.audit;
$$;
