-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Takes an advisory lock until the transaction ends. It waits for transactions that hold the lock: for all of them if
-- p_exclusive, else for those that hold it exclusively. The classes are
--   user      decisions about a user's tokens (shared) and acts against the user (exclusive)
--   space     vends into a space (shared) and its freezing (exclusive)
--   rate      the count of a user's vends
--   pace      the count of a moderator's acts
--   capacity  the count of the users in a space
--   action    the beginning of a delivery (shared) and the undoing of its action (exclusive)
--   quota     the count of a tenant's things of one kind
--   sealer    sealing the audit log
--   event log giving events their places in the log
--   webhooks  the lease of deliveries to webhooks
create function take_lock(p_class text, p_parts text[], p_exclusive boolean)
returns void
language plpgsql
as $$
begin
  if p_exclusive then
    perform pg_advisory_xact_lock(lock_key(p_class, p_parts));
  else
    perform pg_advisory_xact_lock_shared(lock_key(p_class, p_parts));
  end if;
end;
$$;
