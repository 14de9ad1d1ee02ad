-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists p_most actions at most that have open deliveries and that are older than p_before, the newest first. It reads
-- an index once for each of them, however many deliveries they have.
create function open_actions(p_tenant text, p_before text, p_most integer)
returns table (action_id text)
language sql
stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  with recursive
    newest(action_id, nth) as (
      (
        select d.action_id, 1
        from public.deliveries as d
        where d.tenant_id = p_tenant and d.action_id < p_before and d.state in ('pending', 'stuck') and p_most > 0
        order by d.action_id desc
        limit 1
      )
      union all
      select older.action_id, n.nth + 1
      from
        newest as n
        cross join lateral (
          select d.action_id
          from public.deliveries as d
          where d.tenant_id = p_tenant and d.action_id < n.action_id and d.state in ('pending', 'stuck')
          order by d.action_id desc
          limit 1
        ) as older
      where n.nth < p_most
    )
  select n.action_id
  from newest as n;
$$;
