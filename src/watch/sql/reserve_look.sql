-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Reserves the calls of one look at a stage: one GetStage, and a ListParticipants for each of p_users people. More than
-- p_by_name people are listed together, with one ListParticipants for each page, and at least one. Says whether the
-- rates allow the look now. p_rate and p_burst are those of each of the two operations, as in reserve_calls.
create function reserve_look(
  p_account text,
  p_users integer,
  p_by_name integer,
  p_rate double precision,
  p_burst double precision
)
returns boolean
language plpgsql
as $$
declare
  v_calls integer := least(p_users, p_by_name);
begin
  return v_calls = 0
  or (
    reserve_calls(
      p_account, 'ListParticipants', v_calls, case when p_users <= p_by_name then v_calls else 1 end, 0, p_rate, p_burst
    ) > 0
    -- Every look reserves more of the other operation than of this one. So this one is left when the other is.
    and reserve_calls(p_account, 'GetStage', 1, 1, 0, p_rate, p_burst) > 0
  );
end;
$$;
