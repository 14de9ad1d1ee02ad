-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the deliveries and the holds for grants that an act is against, in the transaction of the act. With more
-- grants than the limit grantsAtOnce it treats the first part; continue_action treats the rest in steps.
-- p_keep_out: also act against unused tokens. The stage is watched, and a second DisconnectUser is made after the last
-- unused chat token has expired.
-- p_watch_for: 'gone', 'banned' or 'demoted' (see the table holds). A demoted participant is not disconnected now. They
-- have the time p_grace to exchange their token for the lesser one.
create function act_on_grants(
  p_tenant text,
  p_action text,
  p_grants text[],
  p_keep_out boolean,
  p_watch_for text,
  p_grace interval,
  p_limits jsonb
)
returns void
language plpgsql
as $$
declare
  v_at_once integer := limit_count(p_limits, 'grantsAtOnce');
  v_ids text[] := p_grants[:v_at_once];
  v_grants public.grants[];
  v_action public.actions;
  v_until timestamptz;
begin
  if cardinality(p_grants) = 0 then
    return;
  end if;
  if cardinality(p_grants) > v_at_once then
    insert into public.unfinished_actions as u (tenant_id, action_id, grants, keep_out, watch_for, watch_from)
    values (p_tenant, p_action, p_grants[v_at_once + 1:], p_keep_out, p_watch_for, clock_timestamp() + p_grace)
    on conflict (tenant_id, action_id, watch_for) do update
      set grants = u.grants || excluded.grants;
  end if;
  select * into v_action from public.actions where tenant_id = p_tenant and id = p_action;
  v_until := ban_end(p_tenant, v_action.ban_id);
  v_grants := grants_by_id(p_tenant, v_ids);
  perform watch_spaces(p_tenant, spaces_to_watch(v_grants, p_keep_out));
  perform lock_grants(p_tenant, v_ids);

  if p_watch_for != 'demoted' then
    perform add_stage_disconnects(p_tenant, p_action, v_grants, p_keep_out, v_action.reason, v_until, p_limits);
  end if;
  perform add_room_disconnects(p_tenant, p_action, v_grants, false, v_action.reason, v_until, p_limits);
  if p_keep_out then
    perform add_room_disconnects(p_tenant, p_action, v_grants, true, v_action.reason, v_until, p_limits);
    perform hold_grants(p_tenant, p_action, v_grants, p_watch_for, clock_timestamp() + p_grace, v_until);
    perform mark_grants_watched(p_tenant, v_ids);
  else
    perform hold_older_participants(p_tenant, p_action, v_grants, v_until, p_limits);
  end if;
end;
$$;
