-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records a DisconnectParticipant for each participant that a look has found and that may not be there. It records none
-- for a participant who has an open one, or one that was done after the look. One that was done a minute after it is
-- from before the clock was set back. Returns how many it recorded. p_connected is as in finish_watch.
create function add_found_disconnects(
  p_tenant text,
  p_space text,
  p_looked_at timestamptz,
  p_connected jsonb,
  p_limits jsonb
)
returns integer
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_stay interval := limit_time(p_limits, 'stageStaySeconds');
  v_lands interval := limit_time(p_limits, 'callLandsSeconds');
  v_reason_length integer := limit_count(p_limits, 'stageReasonLength');
  v_written integer;
begin
  insert into public.deliveries (
    tenant_id, action_id, space_id, account, operation, arn, target, grant_id, priority, parameters, needed_until
  )
  select
    p_tenant, u.action_id, p_space, a.account, 'DisconnectParticipant', s.stage_arn, u.participant_id, u.grant_id,
    case when (p_connected -> u.participant_id ->> 'publishing')::boolean then 0 else 1 end,
    jsonb_strip_nulls(jsonb_build_object('reason', left(t.reason, v_reason_length))),
    least(clock_timestamp() + v_stay, u.until - v_lands)
  from
    unwanted_participants(p_tenant, p_space, p_looked_at, p_connected) as u
    cross join lateral describe_action(p_tenant, u.action_id) as t
    join spaces_at_ivs(p_tenant) as s on s.space_id = p_space
    cross join aws_account(p_tenant) as a
    left join lateral (
      -- The limit makes the planner look for the calls to each participant, and not for all calls of the space.
      select true as is_made
      from public.deliveries as d
      where
        d.tenant_id = p_tenant
        and d.space_id = p_space
        and d.target = u.participant_id
        and d.operation = 'DisconnectParticipant'
        and (
          d.state in ('pending', 'stuck')
          or (d.state = 'done' and d.done_at > p_looked_at and d.done_at < p_looked_at + interval '1 minute')
        )
      limit 1
    ) as m
      on true
  where
    -- At the very end of a ban a call could arrive after it.
    (u.until is null or u.until - v_lands > clock_timestamp())
    and m.is_made is null;
  get diagnostics v_written = row_count;
  return v_written;
end;
$$;
