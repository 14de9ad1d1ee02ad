-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends kicks of a user from a room that IVS refuses to the service (is_refused_kick).
create function cancel_refused_kicks(p_tenant text, p_room text, p_ivs_user text)
returns void
language plpgsql
set enable_seqscan = off
as $$
begin
  update public.deliveries as d
  set
    state = 'expired',
    done_at = clock_timestamp(),
    last_error = 'the user came back with a new token'
  where
    d.tenant_id = p_tenant
    and d.arn = p_room
    and d.target = p_ivs_user
    and d.operation = 'DisconnectUser'
    and (d.state in ('pending', 'stuck') or d.lands_until > 'epoch')
    and is_refused_kick(d);
end;
$$;
