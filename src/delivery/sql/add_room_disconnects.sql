-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records one DisconnectUser for each user and room of the chat grants. The call names the user, so it closes all their
-- connections to the room.
-- p_follow_up: record the second call instead. It is made after the last unused token has expired.
create function add_room_disconnects(
  p_tenant text,
  p_action text,
  p_grants public.grants[],
  p_follow_up boolean,
  p_reason text,
  p_until timestamptz,
  p_limits jsonb
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_late interval := limit_time(p_limits, 'chatLateSeconds');
  v_follow_up interval := limit_time(p_limits, 'followUpSeconds');
  v_reason text := left(p_reason, limit_count(p_limits, 'chatReasonLength'));
begin
  insert into public.deliveries (
    tenant_id, action_id, space_id, account, operation, arn, target, grant_id, parameters, needed_until, follow_up,
    next_at, needed_since, priority
  )
  select
    p_tenant, p_action, g.space_id, a.account, 'DisconnectUser', s.room_arn, g.ivs_user_id, max(g.id),
    jsonb_strip_nulls(jsonb_build_object('reason', v_reason, 'userId', max(g.user_id))),
    least(max(g.session_expires_at) + v_late, last_call_of_ban(p_until, p_limits)), p_follow_up,
    case when p_follow_up then max(g.expires_at) + v_follow_up else now() end,
    case when p_follow_up then max(g.expires_at) + v_follow_up else now() end, case when p_follow_up then 2 else 1 end
  from
    unnest(p_grants) as g
    join spaces_at_ivs(p_tenant) as s on s.space_id = g.space_id and s.room_arn is not null
    cross join aws_account(p_tenant) as a
  where g.kind = 'chat' and case when p_follow_up then g.expires_at else g.session_expires_at end > now()
  group by g.space_id, a.account, s.room_arn, g.ivs_user_id;
end;
$$;
