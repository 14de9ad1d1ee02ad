-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends open deliveries of an action that is being undone, p_limit at most. Returns how many it found open:
-- one that a replica finishes meanwhile counts too.
create function cancel_deliveries(p_tenant text, p_action text, p_why text, p_limit integer)
returns integer
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_open bigint[] := array(
    select id
    from public.deliveries
    where tenant_id = p_tenant and action_id = p_action and state in ('pending', 'stuck')
    limit p_limit
  );
begin
  update public.deliveries
  set
    state = 'expired',
    done_at = now(),
    last_error = p_why
  where tenant_id = p_tenant and id = any (v_open) and state in ('pending', 'stuck');
  return cardinality(v_open);
end;
$$;
