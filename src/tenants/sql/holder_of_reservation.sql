-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the tenant that has reserved a value, and since when the value is not in use (null: it is in use); no row if
-- nobody has reserved it. Only the operator is told.
create function holder_of_reservation(p_kind text, p_value text)
returns table (tenant_id text, released_at timestamptz)
language sql
stable
as $$
  select r.tenant_id, r.released_at from public.reservations as r where r.kind = p_kind and r.value = p_value;
$$;
