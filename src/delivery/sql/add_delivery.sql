-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records a delivery of an action: a call to IVS that is tried for at most p_for. It records nothing if the action has
-- the same call already.
create function add_delivery(
  p_tenant text,
  p_action text,
  p_space text,
  p_operation text,
  p_arn text,
  p_target text,
  p_grant text,
  p_parameters jsonb,
  p_for interval
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  insert into public.deliveries (
    tenant_id, action_id, space_id, account, operation, arn, target, grant_id, parameters, needed_until
  )
  select p_tenant, p_action, p_space, a.account, p_operation, p_arn, p_target, p_grant, p_parameters, now() + p_for
  from aws_account(p_tenant) as a
  where
    not exists (
      select
      from public.deliveries as d
      where
        d.tenant_id = p_tenant
        and d.action_id = p_action
        and d.operation = p_operation
        and d.arn = p_arn
        and d.target = p_target
    );
end;
$$;
