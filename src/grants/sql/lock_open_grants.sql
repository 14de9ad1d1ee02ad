-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Locks those of the grants p_ids that are still open, until the transaction ends, and waits for nobody. Returns
-- whether it has locked all of them.
create function lock_open_grants(p_tenant text, p_ids text[])
returns boolean
language plpgsql
set enable_seqscan = off
as $$
declare
  v_locked integer;
begin
  perform
  from public.grants
  where tenant_id = p_tenant and id = any (p_ids) and state in ('pending', 'released')
  for update skip locked;
  get diagnostics v_locked = row_count;
  return v_locked = cardinality(p_ids);
end;
$$;
