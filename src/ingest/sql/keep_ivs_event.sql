-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Keeps an event of IVS, so that a copy of it is recognized. If it names somebody who may not be on the stage, the next
-- look at the stage is due now: see hasten_looks. Says whether the event is new. p_event: { "id", "type", "at",
-- "detail"?, "participantId", "userId" }; the last two are empty if the event names none. p_rates is as in
-- hasten_looks.
create function keep_ivs_event(p_tenant text, p_space text, p_event jsonb, p_rates jsonb)
returns boolean
language plpgsql
as $$
begin
  insert into public.ivs_events (tenant_id, id, space_id, type, detail, at)
  values (p_tenant, p_event ->> 'id', p_space, p_event ->> 'type', p_event -> 'detail', (p_event ->> 'at')::timestamptz)
  on conflict do nothing;
  if not found then
    return false;
  end if;
  if p_space is not null then
    perform hasten_looks(p_tenant, p_space, p_event ->> 'participantId', p_event ->> 'userId', p_rates);
  end if;
  return true;
end;
$$;
