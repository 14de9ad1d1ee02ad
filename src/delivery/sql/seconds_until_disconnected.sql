-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the number of seconds until the calls that disconnect a user from a room may be over, or null if there are
-- none. A call names the user, so it closes each connection that the user has then. It returns 0 if a call is due or on
-- its way, the time until a follow-up is due, or the time for which IVS may still carry out a call without an answer.
-- Calls of the actions p_but_actions do not count. p_but_refused_kicks: a kick that IVS refuses counts as if it were
-- cancelled.
create function seconds_until_disconnected(
  p_tenant text,
  p_room text,
  p_ivs_user text,
  p_but_actions text[],
  p_but_refused_kicks boolean
)
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
      greatest(0, extract(epoch from max(greatest(d.lands_until, case when d.is_open then d.next_at end)) - v_now))
    from (
      select
        lands_until, next_at, needed_until,
        state in ('pending', 'stuck') and not (p_but_refused_kicks and is_refused_kick(one)) as is_open
      from public.deliveries as one
      where
        tenant_id = p_tenant
        and arn = p_room
        and target = p_ivs_user
        and operation = 'DisconnectUser'
        and (state in ('pending', 'stuck') or lands_until > 'epoch')
        and action_id != all (p_but_actions)
    ) as d
    where d.lands_until > v_now or (d.is_open and d.needed_until > v_now)
    having count(*) > 0
  )::double precision;
end;
$$;
