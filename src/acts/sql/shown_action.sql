-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what an answer shows of an action, in one round trip, because a moderator waits for it: { "action",
-- "deliveries", "counts", "isUnfinished" }. Null: there is no such action. It enters the tenant as enter_tenant does.
-- p_each and p_most are those of first_deliveries and count_deliveries.
create function shown_action(
  p_tenant text,
  p_kind text,
  p_credential text,
  p_must_be_active boolean,
  p_action text,
  p_each integer,
  p_most integer
)
returns jsonb
language plpgsql
as $$
declare
  v_action public.actions;
begin
  perform enter_tenant(p_tenant, p_kind, p_credential, p_must_be_active);
  select * into v_action from public.actions where tenant_id = p_tenant and id = p_action;
  if v_action.id is null then
    return null;
  end if;
  return jsonb_build_object(
    'action', to_jsonb(v_action),
    'deliveries', (
      select coalesce(jsonb_agg(d order by d.id::bigint), '[]')
      from first_deliveries(p_tenant, array[p_action], p_each) as d
    ),
    'counts', (
      select coalesce(jsonb_object_agg(c.state, c.number), '{}')
      from count_deliveries(p_tenant, array[p_action], p_most) as c
    ),
    'isUnfinished', exists (select from public.unfinished_actions where tenant_id = p_tenant and action_id = p_action)
    or exists (select from actions_on_failing_looks(p_tenant, array[p_action]))
  );
end;
$$;
