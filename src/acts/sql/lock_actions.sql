-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Keeps deliveries of these actions from beginning, and from being recorded, until the transaction ends.
create function lock_actions(p_tenant text, p_actions text[])
returns void
language sql
as $$
  select take_lock('action', array[p_tenant, id], true)
  from (select id from unnest(p_actions) as id order by 1) as ids;
$$;
