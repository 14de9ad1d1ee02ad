-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists p_limit pending actions of a tenant at most, the newest first: those with open deliveries, those that have not
-- treated all their grants yet, and those that rest on looks that fail. p_space: only actions in this space; null: all.
-- p_before: only older actions than this; null: all. It reads an index for each pending action, and no delivered one.
-- p_at_once is the number of pending actions that it reads in one step.
create function pending_actions(p_tenant text, p_space text, p_before text, p_limit integer, p_at_once integer)
returns table (action_id text)
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_failing text[] := array(select f.action_id from actions_on_failing_looks(p_tenant, null) as f);
  v_before text := p_before;
  v_step text[];
  v_left integer := p_limit;
  v_found integer;
begin
  if p_before is null then
    v_before := (select a.id || '0' from public.actions as a where a.tenant_id = p_tenant order by a.id desc limit 1);
  end if;
  loop
    v_step := array(
      select o.action_id from open_actions(p_tenant, v_before, p_at_once) as o
      union
      (
        select distinct u.action_id
        from public.unfinished_actions as u
        where u.tenant_id = p_tenant and u.action_id < v_before
        order by u.action_id desc
        limit p_at_once
      )
      union
      select f.id
      from unnest(v_failing) as f (id)
      where f.id < v_before
      order by 1 desc
      limit p_at_once
    );
    return query
      select a.id
      from public.actions as a
      where a.tenant_id = p_tenant and a.id = any (v_step) and (p_space is null or a.space_id = p_space)
      order by a.id desc
      limit v_left;
    get diagnostics v_found = row_count;
    v_left := v_left - v_found;
    exit when v_left <= 0 or cardinality(v_step) < p_at_once;
    v_before := v_step[p_at_once];
  end loop;
end;
$$;
