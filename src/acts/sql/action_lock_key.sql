-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the key of the advisory lock of an action. A transaction that begins a delivery takes the lock shared; a
-- transaction that undoes the action takes it exclusively.
create function action_lock_key(p_tenant text, p_action text)
returns bigint
language sql
immutable
as $$
  select hashtextextended(p_tenant || E'\n' || p_action || E'\ncalls', 0);
$$;
