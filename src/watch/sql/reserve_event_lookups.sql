-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Reserves ListParticipantEvents calls from the shared rate of the tenant's account, at most p_wanted. Returns how many
-- it reserved.
create function reserve_event_lookups(
  p_tenant text,
  p_wanted integer,
  p_rate double precision,
  p_burst double precision
)
returns integer
language sql
as $$
  select reserve_calls(a.account, 'ListParticipantEvents', p_wanted, 1, 0, p_rate, p_burst)
  from aws_account(p_tenant) as a;
$$;
