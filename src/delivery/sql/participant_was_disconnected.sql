-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a call that disconnects this participant was made, or is still wanted. A call that was cancelled, or
-- that nobody needs any more, does not count.
create function participant_was_disconnected(p_tenant text, p_space text, p_participant text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from public.deliveries as d
    where
      d.tenant_id = p_tenant
      and d.space_id = p_space
      and d.target = p_participant
      and d.operation = 'DisconnectParticipant'
      and (d.state != 'expired' or d.lands_until > clock_timestamp())
  );
end;
$$;
