-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the grants of a user that count as live tokens of these kinds in a space, for a tenant that allows one: those
-- whose token is being made, or whose session has not ended, and stage grants whose participant is still there. A grant
-- that an act is against is none, unless its participant may stay with a lesser token. Neither is one of the
-- participant p_but: null means that all count.
-- The kind and the time make the planner use the index of users.
create function live_grants(p_tenant text, p_space text, p_user text, p_kinds text[], p_but text, p_limits jsonb)
returns setof public.grants
language plpgsql
stable
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
declare
  v_stay interval := limit_time(p_limits, 'stageStaySeconds');
begin
  return query
    select g.*
    from public.grants as g
    where
      g.tenant_id = p_tenant
      and g.user_id = p_user
      and g.kind = any (p_kinds)
      and g.issued_at > now() - limit_time(p_limits, 'longestTokenSeconds')
      and (g.state in ('pending', 'released') or (g.state = 'watched' and is_only_demoted(p_tenant, g.id)))
      and (g.participant_id is null or p_but is null or g.participant_id != p_but)
      and (
        g.space_id = p_space
        or (g.space_id, g.kind) in (select s.space_id, s.kind from spaces_sharing(p_tenant, p_space) as s)
      )
      and (
        g.session_expires_at > now()
        or (
          g.kind = 'stage'
          and g.expires_at + v_stay > now()
          and participant_is_there(p_tenant, g.space_id, g.participant_id)
        )
      )
    order by g.issued_at desc, g.id desc;
end;
$$;
