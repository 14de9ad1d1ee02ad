-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends holds of an action that is being undone, at most p_limit, and releases the grants that nothing else holds.
-- Returns how many holds it ended.
create function end_holds_of_action(p_tenant text, p_action text, p_limit integer)
returns integer
language plpgsql
as $$
declare
  v_holds tid[] := array(
    select ctid from public.holds where tenant_id = p_tenant and action_id = p_action limit p_limit
  );
  v_grants text[];
begin
  with gone as (delete from public.holds where ctid = any (v_holds) returning grant_id)
  select coalesce(array_agg(distinct grant_id), '{}')
  into v_grants
  from gone;
  perform release_unheld(p_tenant, v_grants);
  return cardinality(v_holds);
end;
$$;
