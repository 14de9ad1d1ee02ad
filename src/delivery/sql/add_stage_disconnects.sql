-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records a DisconnectParticipant for each stage grant that somebody may be connected with: every unexpired one, and
-- the newest of each user, even if its token has expired. Publishers come first.
-- p_keep_out: of each user only the newest grants get a call (limit disconnectsPerUser), because IVS allows five calls
-- a second. The watch covers the others.
create function add_stage_disconnects(
  p_tenant text,
  p_action text,
  p_grants public.grants[],
  p_keep_out boolean,
  p_reason text,
  p_until timestamptz,
  p_limits jsonb
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_per_user integer := limit_count(p_limits, 'disconnectsPerUser');
  v_stay interval := limit_time(p_limits, 'stageStaySeconds');
  v_reason text := left(p_reason, limit_count(p_limits, 'stageReasonLength'));
begin
  insert into public.deliveries (
    tenant_id, action_id, space_id, account, operation, arn, target, grant_id, priority, parameters, needed_until
  )
  select
    p_tenant, p_action, (g.held).space_id, a.account, 'DisconnectParticipant', s.stage_arn, (g.held).participant_id,
    (g.held).id, case when 'PUBLISH' = any ((g.held).capabilities) then 0 else 1 end,
    jsonb_strip_nulls(jsonb_build_object('reason', v_reason)),
    least((g.held).expires_at + v_stay, last_call_of_ban(p_until, p_limits))
  from
    ranked_stage_grants(p_grants, v_per_user) as g
    join spaces_at_ivs(p_tenant) as s on s.space_id = (g.held).space_id and s.stage_arn is not null
    cross join aws_account(p_tenant) as a
  where g.nth = 1 or ((g.held).expires_at > now() and (g.nth <= v_per_user or not p_keep_out))
  order by (g.held).issued_at desc;
end;
$$;
