-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Locks grants until the transaction ends, in the order of their ids, so that two transactions never deadlock. A
-- transaction that is about to release one of them waits, and then sees that it is held.
create function lock_grants(p_tenant text, p_ids text[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  perform from public.grants where tenant_id = p_tenant and id = any (p_ids) order by id for no key update;
end;
$$;
