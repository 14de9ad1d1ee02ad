-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns an attempt that reserve_attempt has reserved, because it did not fail.
create function return_attempt(p_tenant text)
returns void
language sql
as $$
  update public.pacing
  set allowance = allowance + 1
  where account = 'tenant ' || p_tenant and operation = 'failed attempts';
$$;
