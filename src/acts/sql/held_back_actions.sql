-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the ids of the actions of all tenants whose deliveries may not begin now, because the actions are being
-- undone.
create function held_back_actions()
returns text[]
language sql
as $$
  select coalesce(array_agg(id), '{}') from public.actions where held_until > clock_timestamp();
$$;
