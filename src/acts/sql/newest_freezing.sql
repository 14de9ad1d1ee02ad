-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the id of the newest action that froze a space, or null. The turns tell the order: a freezing that waited for
-- the lock of the space began before the one that it came after.
create function newest_freezing(p_tenant text, p_space text)
returns text
language sql
stable
as $$
  select id
  from public.actions
  where tenant_id = p_tenant and space_id = p_space and kind = 'space.freeze'
  order by turn desc nulls last, created_at desc
  limit 1;
$$;
