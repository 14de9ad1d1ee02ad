-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of the grants that allow to publish or to send in a space, whose role does not moderate, and that
-- somebody may be connected with. One of the console is not among them. If the role of the user has changed since the
-- grant, their role of now counts. Null p_user means all users.
-- Order: the newest of each user first, stage before chat.
create function grants_to_silence(p_tenant text, p_space text, p_user text, p_moderator_roles text[], p_limits jsonb)
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
          partition by user_id, kind
          order by issued_at desc
        ) as nth
      from public.grants as g
      where
        tenant_id = p_tenant
        and space_id = any (array(select s.space_id from spaces_sharing(p_tenant, p_space) as s))
        and (space_id, kind) in (select s.space_id, s.kind from spaces_sharing(p_tenant, p_space) as s)
        and may_be_inside(g)
        and not is_of_console(role)
        and (p_user is null or user_id = p_user)
        and case
          when role = any (p_moderator_roles) then role_changed_since(p_tenant, space_id, user_id, turn, issued_at)
            and (role_in_space(p_tenant, space_id, user_id, null)).moderator is not true
          else true
        end
        and capabilities && array['PUBLISH', 'SEND_MESSAGE']
        and issued_at > v_oldest
        and session_expires_at > now() - v_stay -- follows from the next line, for the index of spaces
        -- No index has this, so the planner does not read what the whole tenant was given in a day.
        and greatest(session_expires_at, case kind when 'stage' then expires_at + v_stay end) > now()
    ) as numbered
  );
end;
$$;
