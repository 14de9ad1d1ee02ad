-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets vends to a user (shared) and bans and role changes of that user (exclusive) wait for each other, until the
-- transaction ends. The user need not exist.
create function lock_user(p_tenant text, p_user text, p_exclusive boolean)
returns void
language sql
as $$
  select take_lock('user', array[p_tenant, p_user], p_exclusive);
$$;
