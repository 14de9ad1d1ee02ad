-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Reserves one call of a look at who is on a stage, and says whether there is one. Such looks have a rate of their own
-- beside those of moderation and of tenants: p_rate and p_burst, as in reserve_calls. When it is used up they borrow
-- from the rate of moderation, but leave p_leave calls of it. p_moderation is { "rate", "burst" }; null: moderation
-- does not make this call.
create function reserve_presence_call(
  p_account text,
  p_operation text,
  p_rate double precision,
  p_burst double precision,
  p_moderation jsonb,
  p_leave integer
)
returns boolean
language plpgsql
as $$
begin
  if reserve_calls(p_account, p_operation || ' for presence', 1, 1, 0, p_rate, p_burst) = 1 then
    return true;
  end if;
  return p_moderation is not null
  and reserve_calls(
    p_account, p_operation, 1, 1, p_leave, (p_moderation ->> 'rate')::double precision,
    (p_moderation ->> 'burst')::double precision
  ) = 1;
end;
$$;
