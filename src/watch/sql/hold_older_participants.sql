-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Holds the expired stage grants that are not the newest of their user. Somebody may have joined with one of them and
-- stayed. One look ends these holds, or finds the participant.
create function hold_older_participants(
  p_tenant text,
  p_action text,
  p_grants public.grants[],
  p_until timestamptz,
  p_limits jsonb
)
returns void
language plpgsql
as $$
begin
  perform
    hold_grants(
      p_tenant, p_action,
      array(
        select g.held
        from ranked_stage_grants(p_grants, limit_count(p_limits, 'disconnectsPerUser')) as g
        where (g.held).expires_at <= now() and g.nth > 1
      ),
      'gone', clock_timestamp(), p_until
    );
end;
$$;
