-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Gives back calls that were reserved with reserve_calls and not made. p_burst is how many calls can be saved up.
create function return_calls(p_account text, p_operation text, p_calls integer, p_burst double precision)
returns void
language sql
as $$
  update public.pacing
  set allowance = least(p_burst, allowance + p_calls)
  where account = p_account and operation = p_operation and p_calls > 0;
$$;
