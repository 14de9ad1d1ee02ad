-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes the reservation of a value, whichever tenant has it, if the value has not been in use for longer than
-- reservedSeconds. Then every tenant can reserve it.
create function end_old_reservation(p_kind text, p_value text, p_limits jsonb)
returns void
language sql
as $$
  delete from public.reservations
  where kind = p_kind and value = p_value and released_at <= now() - limit_time(p_limits, 'reservedSeconds');
$$;
