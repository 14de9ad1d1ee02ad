-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Reserves the calls of one step of a look at a stage: at most p_wanted ListParticipants, and a GetStage if the step
-- begins the look. Returns how many ListParticipants it reserved; 0: the rates do not allow the step now. p_rate and
-- p_burst are those of each of the two operations, as in reserve_calls.
create function reserve_look(
  p_account text,
  p_wanted integer,
  p_begins boolean,
  p_rate double precision,
  p_burst double precision
)
returns integer
language plpgsql
as $$
declare
  v_calls integer := reserve_calls(p_account, 'ListParticipants', p_wanted, 1, 0, p_rate, p_burst);
begin
  if v_calls > 0 and p_begins and reserve_calls(p_account, 'GetStage', 1, 1, 0, p_rate, p_burst) = 0 then
    perform return_calls(p_account, 'ListParticipants', v_calls, p_burst);
    return 0;
  end if;
  return v_calls;
end;
$$;
