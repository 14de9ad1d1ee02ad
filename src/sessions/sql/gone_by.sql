-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the time by which somebody who was in a session until p_at has left it for certain; null: they may be there.
-- A look says so if it began later, and found the session without them, or found another session or none.
create function gone_by(p_look public.stage_looks, p_session public.stage_sessions, p_at timestamptz)
returns timestamptz
language sql
stable
as $$
  select
    case
      when p_session.ended_at is not null then p_session.ended_at
      when p_session.listed_at > p_at then p_session.listed_at
      when p_look.looked_at > p_at
        and p_look.active_session is distinct from p_session.session_id then p_look.looked_at
    end;
$$;
