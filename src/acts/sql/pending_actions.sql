-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists p_limit pending actions of a tenant at most, the newest first: those with open deliveries, those that have not
-- treated all their grants yet, and those that rest on looks that fail. p_space: only actions in this space; null: all.
-- p_before: only older actions than this; null: all. It reads an index for each pending action, and no delivered one.
create function pending_actions(p_tenant text, p_space text, p_before text, p_limit integer)
returns table (action_id text)
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_failing text[] := array(select f.action_id from actions_on_failing_looks(p_tenant) as f);
  v_next text := p_before;
  v_found integer := 0;
begin
  if p_before is null then
    v_next := (select a.id || '0' from public.actions as a where a.tenant_id = p_tenant order by a.id desc limit 1);
  end if;
  while v_found < p_limit loop
    v_next := greatest(
      next_open_action(p_tenant, v_next),
      (
        select u.action_id
        from public.unfinished_actions as u
        where u.tenant_id = p_tenant and u.action_id < v_next
        order by u.action_id desc
        limit 1
      ),
      (select max(f.id) from unnest(v_failing) as f (id) where f.id < v_next)
    );
    exit when v_next is null;
    if
      p_space is null
      or exists (
        select from public.actions as a where a.tenant_id = p_tenant and a.id = v_next and a.space_id = p_space
      )
    then
      v_found := v_found + 1;
      action_id := v_next;
      return next;
    end if;
  end loop;
end;
$$;
