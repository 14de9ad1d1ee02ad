-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the key of the advisory lock of an action: shared by whoever begins one of its deliveries, exclusive for
-- whoever undoes it.
create function action_lock_key(p_tenant text, p_action text)
returns bigint
language sql
immutable
as $$
  select hashtextextended(p_tenant || E'\n' || p_action || E'\ncalls', 0);
$$;
