-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Takes an advisory lock until the transaction ends, as take_lock does, but does not wait. Returns whether it has the
-- lock.
create function try_lock(p_class text, p_parts text[], p_exclusive boolean)
returns boolean
language plpgsql
as $$
begin
  if p_exclusive then
    return pg_try_advisory_xact_lock(lock_key(p_class, p_parts));
  end if;
  return pg_try_advisory_xact_lock_shared(lock_key(p_class, p_parts));
end;
$$;
