-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Makes the next look at the stage of a space due now, if a hold is against this participant, or a ban against this IVS
-- user. IVS has reported them there. The look decides whether they may be there. Says whether it is due now.
-- p_rates: { "tenant": { "rate", "burst" }, "account": { "rate", "burst" } }, as in reserve_calls: how many looks
-- events may bring forward. So however many events come, looks at other stages keep their turns.
create function hasten_looks(p_tenant text, p_space text, p_participant text, p_user text, p_rates jsonb)
returns boolean
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_account text := (select account from aws_account(p_tenant));
  v_spaces text[] := array(
    select w.space_id
    from
      spaces_sharing(p_tenant, p_space) as s
      join public.watches as w on w.tenant_id = p_tenant and w.space_id = s.space_id
    where s.kind = 'stage' and (w.next_at > v_now or w.leased_until > v_now)
  );
begin
  v_spaces := array(
    select h.space_id
    from public.holds as h
    where
      h.tenant_id = p_tenant
      and h.space_id = any (v_spaces)
      and h.kind = 'stage'
      and h.participant_id = p_participant
      and h.watch_from <= v_now
    union
    select h.space_id
    from public.holds as h
    where
      h.tenant_id = p_tenant
      and h.space_id = any (v_spaces)
      and h.kind = 'stage'
      and h.ivs_user_id = p_user
      and p_user != ''
      and h.watch_from <= v_now
      and h.watch_for = 'banned'
  );
  if
    cardinality(v_spaces) = 0
    or reserve_calls(
      'tenant ' || p_tenant, 'looks for events', 1, 1, 0, (p_rates #>> '{tenant,rate}')::double precision,
      (p_rates #>> '{tenant,burst}')::double precision
    ) = 0
    or reserve_calls(
      v_account, 'looks for events', 1, 1, 0, (p_rates #>> '{account,rate}')::double precision,
      (p_rates #>> '{account,burst}')::double precision
    ) = 0
  then
    return false;
  end if;
  perform
  from public.watches
  where tenant_id = p_tenant and space_id = any (v_spaces)
  order by space_id -- the same order as in watch_spaces, so that calls do not deadlock
  for update;
  update public.watches
  set next_at = clock_timestamp()
  where tenant_id = p_tenant and space_id = any (v_spaces);
  return found;
end;
$$;
