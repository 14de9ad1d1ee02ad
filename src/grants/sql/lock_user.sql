-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets vends to a user (shared) and bans and role changes of that user (exclusive) wait for each other, until the
-- transaction ends. The user need not exist.
create function lock_user(p_tenant text, p_user text, p_exclusive boolean)
returns void
language plpgsql
as $$
declare
  v_key bigint := hashtextextended(p_tenant || E'\n' || p_user, 0);
begin
  if p_exclusive then
    perform pg_advisory_xact_lock(v_key);
  else
    perform pg_advisory_xact_lock_shared(v_key);
  end if;
end;
$$;
