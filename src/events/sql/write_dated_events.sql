-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Writes events as write_events does, of something that happened before: each of p_events has the time in "at".
create function write_dated_events(p_tenant text, p_events jsonb)
returns void
language sql
as $$
  insert into public.events (tenant_id, type, space_id, user_id, at, data)
  select
    p_tenant, e.value ->> 'type', e.value ->> 'spaceId', e.value ->> 'userId', (e.value ->> 'at')::timestamptz,
    e.value -> 'data'
  from jsonb_array_elements(p_events) with ordinality as e (value, nth)
  order by e.nth;
$$;
