-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists users whose place in a count is not what their grants say, p_most at most. It is one statement, so it sees the
-- grants, the places and the notes as they were at one moment. A noted user is counted anew anyway.
create function wrong_places(p_count public.place_counts, p_most integer)
returns table (user_id text)
language sql
stable
set enable_seqscan = off
as $$
  select coalesce(inside.user_id, counted.user_id)
  from
    users_with_place(p_count.tenant_id, p_count.space_id) as inside
    full join (
      select p.user_id, p.until
      from public.places as p
      where p.tenant_id = p_count.tenant_id and p.count_id = p_count.id and p.until > now()
    ) as counted
      on counted.user_id = inside.user_id
  where
    inside.until is distinct from counted.until
    and not exists (
      select
      from public.place_notes as n
      where
        n.tenant_id = p_count.tenant_id
        and n.count_id = p_count.id
        and (n.user_id is null or n.user_id = coalesce(inside.user_id, counted.user_id))
    )
  limit p_most;
$$;
