-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Refuses grants that have been pending for longer than p_older_than, the oldest first, p_most at most. Their vend was
-- interrupted, and nobody has received the tokens. Returns how many. Grants that another transaction settles now are
-- left for the next call.
create function sweep_pending_grants(p_older_than interval, p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_old tid[] := array(
    select ctid
    from public.grants
    where state = 'pending' and issued_at < now() - p_older_than
    order by issued_at
    limit p_most
    for update skip locked
  );
  v_changed record;
begin
  for v_changed in
    with
      refused as (
        update public.grants
        set state = 'refused'
        where ctid = any (v_old)
        returning tenant_id, space_id, user_id
      )
    select tenant_id, array_agg(space_id) as spaces, array_agg(user_id) as users
    from refused
    group by tenant_id
  loop
    perform note_places(v_changed.tenant_id, v_changed.spaces, v_changed.users);
  end loop;
  return cardinality(v_old)::bigint;
end;
$$;
