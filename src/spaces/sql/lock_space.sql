-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets vends into a space (shared) and its freezing and unfreezing (exclusive) wait for each other, until the
-- transaction ends.
create function lock_space(p_tenant text, p_space text, p_exclusive boolean)
returns void
language plpgsql
as $$
declare
  v_key bigint := hashtextextended(p_tenant || E'\n' || p_space || E'\nspace', 0);
begin
  if p_exclusive then
    perform pg_advisory_xact_lock(v_key);
  else
    perform pg_advisory_xact_lock_shared(v_key);
  end if;
end;
$$;
