-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the number of seconds until the calls that disconnect a user from a room may be over, or null if there are
-- none. A call names the user, so it closes each connection that the user has then. It returns 0 if a call is due or on
-- its way, the time until a follow-up is due, or the time for which IVS may still carry out a call without an answer.
create function seconds_until_disconnected(p_tenant text, p_room text, p_ivs_user text)
returns double precision
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  return (
    select
      greatest(
        0,
        extract(
          epoch from max(greatest(d.lands_until, case when d.state in ('pending', 'stuck') then d.next_at end)) - v_now
        )
      )
    from public.deliveries as d
    where
      d.tenant_id = p_tenant
      and d.arn = p_room
      and d.target = p_ivs_user
      and d.operation = 'DisconnectUser'
      and (d.state in ('pending', 'stuck') or d.lands_until > 'epoch')
      and (d.lands_until > v_now or (d.state in ('pending', 'stuck') and d.needed_until > v_now))
    having count(*) > 0
  )::double precision;
end;
$$;
