-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Reserves calls that tenants ask for, at most p_wanted, and returns how many. Tenants have a rate of their own beside
-- that of moderation: p_rate and p_burst, as in reserve_calls. When it is used up they borrow from the rate of
-- moderation, but leave p_leave calls of it. p_moderation is { "rate", "burst" }; null: moderation does not make this
-- call.
create function reserve_tenant_calls(
  p_account text,
  p_operation text,
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
  v_taken integer := reserve_calls(p_account, p_operation || ' for tenants', p_wanted, 1, 0, p_rate, p_burst);
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
