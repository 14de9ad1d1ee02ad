-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists keys that can be removed, at most p_limit, and notes the attempt: keys whose import or deletion was
-- interrupted, and retiring keys whose last token expired at least p_expired_for ago. The tenants take turns, and the
-- key whose last attempt is longest ago comes first. So keys that cannot be removed hold up no others. An import or an
-- attempt that began less than p_older_than ago is skipped, because somebody may still be working on it. An attempt
-- that lies ahead is from before the clock was set back.
create function take_idle_signing_keys(p_older_than interval, p_expired_for interval, p_limit integer)
returns table (tenant_id text, id text)
language sql
as $$
  with
    waiting as (
      select
        k.tenant_id, k.id,
        row_number() over (
          partition by k.tenant_id
          order by k.attempted_at, k.created_at
        ) as turn
      from public.signing_keys as k
      where
        k.attempted_at not between clock_timestamp() - p_older_than and clock_timestamp() + p_older_than
        and (
          (k.state = 'importing' and k.created_at < now() - p_older_than)
          or k.state = 'deleting'
          or (k.state = 'retiring' and not signing_key_is_needed(k.tenant_id, k.id, now() - p_expired_for))
        )
    ),
    chosen as (
      select k.tenant_id, k.id
      from
        waiting as w
        join public.signing_keys as k on k.tenant_id = w.tenant_id and k.id = w.id
      where k.attempted_at not between clock_timestamp() - p_older_than and clock_timestamp() + p_older_than
      order by w.turn, k.attempted_at, k.created_at
      limit p_limit
      for update of k skip locked
    )
  update public.signing_keys as k
  set attempted_at = clock_timestamp()
  from chosen as c
  where k.tenant_id = c.tenant_id and k.id = c.id
  returning k.tenant_id, k.id;
$$;
