-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Adds to the standings which tokens the vends would give. stage_grant and chat_grant are null for tokens that are not
-- given. vend is what record_grants and write_vend_entries get. The parameters are as in standings.
create function planned_vends(p_tenant public.tenants, p_requests jsonb, p_spaces text[], p_users text[])
returns table (
  nth integer,
  leaves text,
  space public.spaces,
  role public.roles,
  user_id text,
  ivs_user text,
  stage_grant text,
  chat_grant text,
  vend jsonb
)
language plpgsql
stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
    select
      s.nth, s.leaves, s.space, s.role, r."user", v.ivs_user, v.stage_grant, v.chat_grant,
      jsonb_build_object(
        'nth', s.nth, 'tenant_id', p_tenant.id, 'id', r.entry, 'caller', r.caller, 'action', r.action,
        'space_id', r.space, 'user_id', r."user", 'ivs_user', v.ivs_user, 'role', (s.role).name,
        'participant', v.participant, 'stage_grant', v.stage_grant, 'chat_grant', v.chat_grant, 'request_id', r.request
      )
    from
      standings(p_tenant, p_requests, p_spaces, p_users) as s
      join vend_requests(p_requests) as r on r.nth = s.nth
      cross join lateral (
        select
          case p_tenant.ivs_user_ids when 'plain' then r."user" else r.pseudonym end as ivs_user,
          case
            when r.staying is not null
              and participant_may_stay(p_tenant.id, r.space, r."user", r.staying) then r.staying
            else r.participant
          end as participant,
          case
            when (s.space).stage_arn is not null
              and (s.role).stage_ttl_seconds is not null then r.stage_grant
          end as stage_grant,
          case
            when (s.space).room_arn is not null
              and (s.role).chat_session_minutes is not null then r.chat_grant
          end as chat_grant
      ) as v;
end;
$$;
