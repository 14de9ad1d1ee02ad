-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Notes that there is news of a stage, so that it is looked at soon, and locks its row until the transaction ends.
-- p_expected_until: somebody may come in until then. There is one look in newsLookSeconds at most.
create function track_stage(p_tenant text, p_space text, p_expected_until timestamptz, p_limits jsonb)
returns public.stage_looks
language plpgsql
as $$
declare
  v_wait interval := limit_time(p_limits, 'newsLookSeconds');
  v_look public.stage_looks;
begin
  insert into public.stage_looks as l (tenant_id, space_id, next_at, expected_until, news_at)
  values (p_tenant, p_space, clock_timestamp() + v_wait, p_expected_until, clock_timestamp())
  on conflict (tenant_id, space_id) do update
    set
      next_at = least(l.next_at, greatest(clock_timestamp(), l.looked_at) + v_wait),
      expected_until = greatest(l.expected_until, excluded.expected_until),
      news_at = clock_timestamp()
  returning *
  into v_look;
  return v_look;
end;
$$;
