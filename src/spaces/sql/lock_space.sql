-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets vends into a space (shared) and its freezing and unfreezing (exclusive) wait for each other, until the
-- transaction ends.
create function lock_space(p_tenant text, p_space text, p_exclusive boolean)
returns void
language sql
as $$
  select take_lock('space', array[p_tenant, p_space], p_exclusive);
$$;
