-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether the rate of an account and operation allows a call now. p_rate is in calls a second.
create function calls_are_left(p_account text, p_operation text, p_rate double precision)
returns boolean
language sql
stable
as $$
  select
    not exists (
      select
      from public.pacing
      where
        account = p_account
        and operation = p_operation
        and allowance + p_rate * greatest(0, extract(epoch from clock_timestamp() - at)) < 1
    );
$$;
