-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records an action: what a moderator did. p_elapsed is the number of seconds since the request came in. p_ban is the
-- ban that the action carries out, or null. The caller holds the lock that orders it with vends: the time is not that
-- at which the transaction began, before it waited.
create function record_action(
  p_tenant text,
  p_action text,
  p_kind text,
  p_space text,
  p_user text,
  p_ban text,
  p_reason text,
  p_caller jsonb,
  p_elapsed double precision
)
returns void
language plpgsql
as $$
begin
  insert into public.actions (
    tenant_id, id, kind, space_id, user_id, ban_id, reason, requested_by, created_at, requested_at
  )
  values (
    p_tenant, p_action, p_kind, p_space, p_user, p_ban, p_reason, p_caller, clock_timestamp(),
    clock_timestamp() - make_interval(secs => p_elapsed)
  );
end;
$$;
