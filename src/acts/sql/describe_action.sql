-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the time at which an action was recorded, its reason and its kind.
create function describe_action(p_tenant text, p_action text)
returns table (created_at timestamptz, reason text, kind text)
language sql
stable
as $$
  select a.created_at::timestamptz, a.reason, a.kind
  from public.actions as a
  where a.tenant_id = p_tenant and a.id = p_action;
$$;
