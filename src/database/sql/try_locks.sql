-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Takes advisory locks until the transaction ends, as try_lock does, and does not wait: one for each of p_names, with
-- the parts p_tenant and the name. Returns the names whose locks it has.
create function try_locks(p_class text, p_tenant text, p_names text[], p_exclusive boolean)
returns text[]
language plpgsql
as $$
begin
  return array(
    select name
    from unnest(p_names) as name
    where
      case
        when p_exclusive then pg_try_advisory_xact_lock(lock_key(p_class, array[p_tenant, name]))
        else pg_try_advisory_xact_lock_shared(lock_key(p_class, array[p_tenant, name]))
      end
  );
end;
$$;
