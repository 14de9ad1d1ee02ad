-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists spaces whose creation or deletion was interrupted, for the reclaimer, at most p_limit, and notes the attempt to
-- finish them. The tenants take turns, and the one whose last attempt is longest ago comes first. So spaces that cannot
-- be finished hold up no others. A creation, a deletion or an attempt that began less than p_older_than ago is skipped,
-- because somebody may still be working on it. An attempt that lies ahead is from before the clock was set back.
create function take_unsettled_spaces(p_older_than interval, p_limit integer)
returns table (tenant_id text, id text)
language sql
as $$
  with
    waiting as (
      select
        s.tenant_id, s.id,
        row_number() over (
          partition by s.tenant_id
          order by s.attempted_at, s.created_at
        ) as turn
      from public.spaces as s
      where
        (s.ready_at is null or (s.deleted_at is not null and (s.stage_arn is not null or s.room_arn is not null)))
        and coalesce(s.deleted_at, s.created_at) < now() - p_older_than
        and s.attempted_at not between clock_timestamp() - p_older_than and clock_timestamp() + p_older_than
    ),
    chosen as (
      select s.tenant_id, s.id
      from
        waiting as w
        join public.spaces as s on s.tenant_id = w.tenant_id and s.id = w.id
      where s.attempted_at not between clock_timestamp() - p_older_than and clock_timestamp() + p_older_than
      order by w.turn, s.attempted_at, s.created_at
      limit p_limit
      for update of s skip locked
    )
  update public.spaces as s
  set attempted_at = clock_timestamp()
  from chosen as c
  where s.tenant_id = c.tenant_id and s.id = c.id
  returning s.tenant_id, s.id;
$$;
