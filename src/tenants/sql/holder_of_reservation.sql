-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the id of the tenant that has reserved a value, the ARN of a stage or a room, or null.
create function holder_of_reservation(p_kind text, p_value text)
returns text
language sql
stable
as $$
  select tenant_id from public.reservations where kind = p_kind and value = p_value and released_at is null;
$$;
