-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the answers that are kept for repeated requests by the master key that has sealed them, as seal_of says. They
-- end after a day, so nobody seals them anew.
create function seals_of_answers()
returns table (seal text, secrets bigint)
language sql
stable
as $$
  select seal_of(answer), count(*) from public.idempotency_keys where seal_of(answer) is not null group by 1;
$$;
