-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of the grants that a user may be connected with, or may still connect with: unexpired ones, and stage
-- grants whose token expired less than stageStaySeconds ago. Null p_space means all spaces; else those of
-- spaces_sharing count. Only grants issued before p_before count.
-- Order: the newest of each space first, stage before chat.
create function grants_to_act_on(p_tenant text, p_user text, p_space text, p_before timestamptz, p_limits jsonb)
returns text[]
language plpgsql
stable
set plan_cache_mode = force_custom_plan
as $$
declare
  v_oldest timestamptz := now() - limit_time(p_limits, 'longestTokenSeconds');
  v_stay interval := limit_time(p_limits, 'stageStaySeconds');
begin
  return (
    select coalesce(array_agg(id order by nth, kind desc, issued_at desc), '{}')
    from (
      select
        id, kind, issued_at,
        row_number() over (
          partition by space_id, kind
          order by issued_at desc
        ) as nth
      from public.grants as g
      where
        tenant_id = p_tenant
        and user_id = p_user
        and (
          p_space is null
          or (space_id, kind) in (select s.space_id, s.kind from spaces_sharing(p_tenant, p_space) as s)
        )
        and may_be_inside(g)
        and issued_at > v_oldest
        and issued_at < p_before
        -- No index has this, so the planner does not read what the whole tenant was given in a day.
        and greatest(session_expires_at, case kind when 'stage' then expires_at + v_stay end) > now()
    ) as numbered
  );
end;
$$;
