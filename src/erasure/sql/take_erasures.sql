-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Takes erasures that are due, p_limit at most. The tenants take turns, and the one whose erasure has been due for the
-- longest time comes first. For the time p_lease no other replica takes them.
create function take_erasures(p_lease interval, p_limit integer)
returns setof public.erasures
language sql
as $$
  with
    due as (
      select
        e.tenant_id, e.id,
        row_number() over (
          partition by e.tenant_id
          order by e.next_at
        ) as turn
      from public.erasures as e
      where e.finished_at is null and e.next_at <= clock_timestamp() and e.leased_until <= clock_timestamp()
    ),
    chosen as (
      select e.tenant_id, e.id
      from
        due as d
        join public.erasures as e on e.tenant_id = d.tenant_id and e.id = d.id
      where e.leased_until <= clock_timestamp()
      order by d.turn, e.next_at
      limit p_limit
      for update of e skip locked
    )
  update public.erasures as e
  set leased_until = clock_timestamp() + p_lease
  from chosen as c
  where e.tenant_id = c.tenant_id and e.id = c.id
  returning e.*;
$$;
