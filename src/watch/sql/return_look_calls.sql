-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Gives back the ListParticipants calls that a step of a look has reserved and not made. Nobody is on most stages that
-- are watched, and their looks make none.
create function return_look_calls(p_tenant text, p_calls integer, p_burst double precision)
returns void
language sql
as $$
  select return_calls(a.account, 'ListParticipants', p_calls, p_burst) from aws_account(p_tenant) as a;
$$;
