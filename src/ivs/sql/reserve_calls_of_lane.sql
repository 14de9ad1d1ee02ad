-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Reserves calls that are not of moderation, at most p_wanted, and returns how many. p_lane says for whom: tenants, or
-- presence (looks at who is on a stage). Each lane has a rate of its own beside that of moderation: p_rate and p_burst,
-- as in reserve_calls. When it is used up the lane borrows from the rate of moderation, but leaves p_leave calls of it.
-- p_moderation is { "rate", "burst" }; null: moderation does not make this call.
create function reserve_calls_of_lane(
  p_account text,
  p_operation text,
  p_lane text,
  p_wanted integer,
  p_rate double precision,
  p_burst double precision,
  p_moderation jsonb,
  p_leave integer
)
returns integer
language plpgsql
as $$
declare
  v_taken integer := reserve_calls(p_account, p_operation || ' for ' || p_lane, p_wanted, 1, 0, p_rate, p_burst);
begin
  if v_taken < p_wanted and p_moderation is not null then
    v_taken := v_taken + reserve_calls(
      p_account, p_operation, p_wanted - v_taken, 1, p_leave, (p_moderation ->> 'rate')::double precision,
      (p_moderation ->> 'burst')::double precision
    );
  end if;
  return v_taken;
end;
$$;
