-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Checks the next bans of the pass that all replicas share, p_most at most, with bans_without_hold. A statement is one
-- step: what a replica that is killed has not finished is checked by the next step. Two steps at the same time wait for
-- each other, so no ban is checked twice in a pass.
-- bans: how many were checked. grants: those of them that no hold covers. is_whole: the pass has ended. found: what
-- this pass or the last has found, whichever is more. pass_seconds: how long the last pass took.
create function check_bans(p_most integer, p_limits jsonb)
returns table (bans bigint, grants bigint, is_whole boolean, found bigint, pass_seconds double precision)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_pass public.watchdog;
  v_step record;
begin
  insert into public.watchdog (one) values (true) on conflict (one) do nothing;
  select * into v_pass from public.watchdog for update;
  if v_pass.after_ban = '' then
    v_pass.pass_began_at := clock_timestamp();
    v_pass.found_in_pass := 0;
  end if;
  select * into v_step from bans_without_hold(v_pass.after_tenant, v_pass.after_ban, p_most, p_limits);
  v_pass.after_tenant := coalesce(v_step.tenant_id, '');
  v_pass.after_ban := coalesce(v_step.ban_id, '');
  v_pass.found_in_pass := v_pass.found_in_pass + v_step.grants;
  if v_step.ban_id is null then
    v_pass.found_before := v_pass.found_in_pass;
    v_pass.passed_at := clock_timestamp();
    v_pass.pass_seconds := greatest(0, extract(epoch from v_pass.passed_at - v_pass.pass_began_at))::double precision;
  end if;
  update public.watchdog
  set
    after_tenant = v_pass.after_tenant,
    after_ban = v_pass.after_ban,
    pass_began_at = v_pass.pass_began_at,
    found_in_pass = v_pass.found_in_pass,
    found_before = v_pass.found_before,
    passed_at = v_pass.passed_at,
    pass_seconds = v_pass.pass_seconds;
  return query
    select
      v_step.bans, v_step.grants, v_step.ban_id is null, greatest(v_pass.found_in_pass, v_pass.found_before),
      v_pass.pass_seconds;
end;
$$;
