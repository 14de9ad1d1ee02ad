-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Writes events of a tenant, in the transaction that makes them happen and in this order. number_events puts them into
-- the log after the commit. p_events: [{ "type", "spaceId"?, "userId"?, "data" }].
create function write_events(p_tenant text, p_events jsonb)
returns void
language plpgsql
as $$
begin
  insert into public.events (tenant_id, type, space_id, user_id, data)
  select p_tenant, e.value ->> 'type', e.value ->> 'spaceId', e.value ->> 'userId', e.value -> 'data'
  from jsonb_array_elements(p_events) with ordinality as e (value, nth)
  order by e.nth;
end;
$$;
