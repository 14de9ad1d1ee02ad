-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the ids of the actions of all tenants whose deliveries may not begin now, because the actions are being
-- undone. None is held back for longer than p_longest: a time further ahead is from before the clock was set back.
create function held_back_actions(p_longest interval)
returns text[]
language sql
as $$
  select coalesce(array_agg(id), '{}')
  from public.actions
  where held_until > clock_timestamp() and held_until <= clock_timestamp() + p_longest;
$$;
