-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Keeps deliveries of these actions from beginning, and from being recorded, until the transaction ends.
create function lock_actions(p_tenant text, p_actions text[])
returns void
language sql
as $$
  select pg_advisory_xact_lock(key)
  from (select action_lock_key(p_tenant, id) as key from unnest(p_actions) as id order by 1) as keys;
$$;
