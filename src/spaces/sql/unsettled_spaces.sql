-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists spaces whose creation or deletion was interrupted, for the reclaimer: the oldest first, at most p_limit. A
-- creation or deletion that began less than p_older_than ago is skipped, because a request may still be working on it.
create function unsettled_spaces(p_older_than interval, p_limit integer)
returns table (tenant_id text, id text)
language sql
stable
as $$
  select s.tenant_id, s.id
  from public.spaces as s
  where
    (s.ready_at is null or (s.deleted_at is not null and (s.stage_arn is not null or s.room_arn is not null)))
    and coalesce(s.deleted_at, s.created_at) < now() - p_older_than
  order by s.created_at
  limit p_limit;
$$;
