-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Writes the event ban.expired of bans that have ended by themselves, p_most at most, those that ended first first. It
-- writes one for each ban. Returns how many. Bans that another transaction changes now are left for the next call.
create function announce_ended_bans(p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp(); -- read once, so that Postgres can use an index
  v_ban public.bans;
  v_announced bigint := 0::bigint;
begin
  for v_ban in
    update public.bans
    set expiry_told = true
    where
      ctid = any (
        array(
          select ctid
          from public.bans
          where expires_at <= v_now and lifted_at is null and not expiry_told
          order by expires_at
          limit p_most
          for no key update skip locked
        )
      )
    returning *
  loop
    perform
      write_events(
        v_ban.tenant_id,
        jsonb_build_array(
          jsonb_build_object(
            'type', 'ban.expired', 'spaceId', v_ban.space_id, 'userId', v_ban.user_id,
            'data', jsonb_build_object(
              'banId', v_ban.id, 'createdAt', event_time(v_ban.created_at), 'expiresAt', event_time(v_ban.expires_at)
            )
          )
        )
      );
    v_announced := v_announced + 1;
  end loop;
  return v_announced;
end;
$$;
