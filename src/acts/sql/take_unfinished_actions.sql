-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists actions that have not treated all their grants yet, at most p_limit, and notes the attempt to continue them.
-- The tenants take turns, and the action whose last attempt is longest ago comes first. So an action that cannot be
-- continued holds up no others.
create function take_unfinished_actions(p_limit integer)
returns table (tenant_id text, action_id text)
language sql
as $$
  with
    waiting as (
      select
        u.tenant_id, u.action_id, min(u.attempted_at) as attempted_at,
        row_number() over (
          partition by u.tenant_id
          order by min(u.attempted_at), u.action_id
        ) as turn
      from public.unfinished_actions as u
      group by u.tenant_id, u.action_id
    ),
    chosen as (
      select w.tenant_id, w.action_id from waiting as w order by w.turn, w.attempted_at, w.action_id limit p_limit
    ),
    noted as (
      -- An action that another replica continues now is left to it.
      select u.tenant_id, u.action_id, u.watch_for
      from
        chosen as c
        join public.unfinished_actions as u on u.tenant_id = c.tenant_id and u.action_id = c.action_id
      for update of u skip locked
    ),
    taken as (
      update public.unfinished_actions as u
      set attempted_at = clock_timestamp()
      from noted as n
      where u.tenant_id = n.tenant_id and u.action_id = n.action_id and u.watch_for = n.watch_for
      returning u.tenant_id, u.action_id
    )
  select distinct t.tenant_id, t.action_id
  from taken as t;
$$;
