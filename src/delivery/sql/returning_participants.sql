-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the participants of all tenants whose disconnection IVS has confirmed at least p_times within p_within. They
-- come back with their token, or IVS does not disconnect them.
create function returning_participants(p_times integer, p_within interval)
returns bigint
language sql
stable
as $$
  select count(*)
  from (
    select
    from public.deliveries
    where operation = 'DisconnectParticipant' and state = 'done' and done_at > now() - p_within
    group by tenant_id, space_id, target
    having count(*) >= p_times
  ) as found;
$$;
