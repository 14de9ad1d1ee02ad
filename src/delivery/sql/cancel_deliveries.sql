-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends open deliveries of an action that is being undone, p_limit at most. Returns how many.
create function cancel_deliveries(p_tenant text, p_action text, p_why text, p_limit integer)
returns integer
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_cancelled integer;
begin
  update public.deliveries
  set
    state = 'expired',
    done_at = now(),
    last_error = p_why
  where
    tenant_id = p_tenant
    and id = any (
      array(
        select id
        from public.deliveries
        where tenant_id = p_tenant and action_id = p_action and state in ('pending', 'stuck')
        limit p_limit
      )
    )
    and state in ('pending', 'stuck');
  get diagnostics v_cancelled = row_count;
  return v_cancelled;
end;
$$;
