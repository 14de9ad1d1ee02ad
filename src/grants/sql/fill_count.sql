-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Takes one step in filling a count: it reads the next grants in the order in which their sessions end, placesAtOnce or
-- a few more. Changes of the grants since are noted. The transaction holds the lock of the capacity.
create function fill_count(p_count public.place_counts, p_limits jsonb)
returns void
language plpgsql
set enable_seqscan = off
as $$
declare
  v_sources text[] := array(
    select space_id from public.place_sources where tenant_id = p_count.tenant_id and count_id = p_count.id
  );
  v_from timestamptz := greatest(now(), p_count.filled_to);
  v_to timestamptz := coalesce(
    (
      select g.session_expires_at
      from public.grants as g
      where g.tenant_id = p_count.tenant_id and g.space_id = any (v_sources) and g.session_expires_at > v_from
      order by g.session_expires_at
      offset limit_count(p_limits, 'placesAtOnce')
      limit 1
    ),
    'infinity'
  );
begin
  insert into public.places (tenant_id, count_id, user_id, until)
  select p_count.tenant_id, p_count.id, g.user_id, max(g.session_expires_at)
  from public.grants as g
  where
    g.tenant_id = p_count.tenant_id
    and g.space_id = any (v_sources)
    and (g.space_id, g.kind) in (
      select s.space_id, s.kind from spaces_sharing(p_count.tenant_id, p_count.space_id) as s
    )
    and g.session_expires_at > v_from
    and g.session_expires_at <= v_to
    and takes_place(g)
  group by g.user_id
  on conflict (tenant_id, user_id, count_id) do update
    set until = greatest(public.places.until, excluded.until);

  update public.place_counts
  set
    filled_to = v_to,
    is_filled = v_to = 'infinity',
    users = (select count(*) from public.places where tenant_id = p_count.tenant_id and count_id = p_count.id)
  where tenant_id = p_count.tenant_id and id = p_count.id;
end;
$$;
