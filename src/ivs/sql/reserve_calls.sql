-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Reserves calls from the shared rate of an account and operation. Returns how many: at most p_wanted, and so that
-- p_leave calls are left. If that is less than p_least, it reserves none and returns 0. p_rate is in calls a second;
-- p_burst is how many calls can be saved up.
create function reserve_calls(
  p_account text,
  p_operation text,
  p_wanted integer,
  p_least integer,
  p_leave integer,
  p_rate double precision,
  p_burst double precision
)
returns integer
language plpgsql
as $$
declare
  v_allowance double precision;
  v_taken integer;
begin
  -- Without a rate the comparisons below would be null, and every call would pass.
  if p_rate is null or p_burst is null then
    raise exception 'no rate was passed for %', p_operation;
  end if;
  -- While the rate is used up, nearly every call returns here and does not wait for the lock of the row.
  if
    exists (
      select
      from public.pacing
      where
        account = p_account
        and operation = p_operation
        and allowance + p_rate * greatest(0, extract(epoch from clock_timestamp() - at)) < p_least + p_leave
    )
  then
    return 0;
  end if;
  loop
    select least(p_burst, allowance + p_rate * greatest(0, extract(epoch from clock_timestamp() - at)))
    into v_allowance
    from public.pacing
    where account = p_account and operation = p_operation
    for update;
    exit when found;
    insert into public.pacing (account, operation, allowance, at)
    values (p_account, p_operation, p_burst, clock_timestamp())
    on conflict do nothing;
  end loop;
  v_taken := least(p_wanted, floor(v_allowance)::integer - p_leave);
  if v_taken < p_least then
    return 0;
  end if;
  update public.pacing
  set
    allowance = v_allowance - v_taken,
    at = clock_timestamp()
  where account = p_account and operation = p_operation;
  return v_taken;
end;
$$;
