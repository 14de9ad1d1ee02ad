-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Bans a user: records the ban, its action, its deliveries and its holds. It is one call because the moderator waits
-- for it, and vends to the user wait too.
-- Returns { "refused": code } and writes nothing, or { "createdAt", "waitSeconds" }. After waitSeconds no token can
-- leave that was decided on before the ban. p_elapsed is the number of seconds since the request came in.
-- p_by_rank is the rank of the person who bans: the ban binds only users of a lower rank. It is null for an API key.
create function ban_user(
  p_tenant text,
  p_ban text,
  p_action text,
  p_space text,
  p_user text,
  p_reason text,
  p_expires timestamptz,
  p_caller jsonb,
  p_by_rank integer,
  p_elapsed double precision,
  p_limits jsonb
)
returns jsonb
language plpgsql
as $$
declare
  v_now timestamptz(3);
begin
  if p_space is not null and (find_space(p_tenant, p_space)).id is null then
    return jsonb_build_object('refused', 'space_unknown');
  end if;
  -- From here on no vend to this user is under way. Earlier vends are on record, and later ones see the ban.
  perform lock_user(p_tenant, p_user, true);
  -- Bans begin and end by the clock of the database, because the clocks of the replicas differ.
  v_now := clock_timestamp();
  if p_expires <= v_now then
    return jsonb_build_object('refused', 'over_already');
  end if;
  insert into public.bans (tenant_id, id, user_id, space_id, reason, created_by, created_at, expires_at, by_rank)
  values (p_tenant, p_ban, p_user, p_space, p_reason, p_caller, v_now, p_expires, p_by_rank);
  perform record_action(p_tenant, p_action, 'ban', p_space, p_user, p_ban, p_reason, p_caller, p_elapsed);
  perform
    act_on_grants(
      p_tenant, p_action, grants_to_act_on(p_tenant, p_user, p_space, 'infinity', p_limits), true, 'banned',
      interval '0', p_limits
    );
  return jsonb_build_object(
    'createdAt', v_now, 'waitSeconds', seconds_until_tokens_have_left(p_tenant, p_user, p_space, p_limits)
  );
end;
$$;
