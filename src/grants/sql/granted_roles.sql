-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the roles of a user's grants that somebody may be connected with, or that are being made. The tokens are
-- unexpired, or expired less than stageStaySeconds ago. Null p_space means all spaces. It reads the newest grants of
-- the user alone.
create function granted_roles(p_tenant text, p_space text, p_user text, p_limits jsonb)
returns table (role text, space_id text, turn bigint, issued_at timestamptz)
language sql
stable
as $$
  select g.role, g.space_id, g.turn, g.issued_at::timestamptz
  from public.grants as g
  where
    g.tenant_id = p_tenant
    and g.user_id = p_user
    and (
      p_space is null
      or g.space_id = p_space
      or (g.space_id, g.kind) in (select s.space_id, s.kind from spaces_sharing(p_tenant, p_space) as s)
    )
    and g.issued_at > now() - limit_time(p_limits, 'longestTokenSeconds') - limit_time(p_limits, 'stageStaySeconds')
    and g.state in ('pending', 'released', 'watched')
    -- Written so that no index has it: the planner would read what the whole tenant was given in a day.
    and now() - g.session_expires_at < limit_time(p_limits, 'stageStaySeconds');
$$;
