-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the tenants that keep things of a kind ('events', 'grants' or 'audit') for a shorter time than p_usual, with
-- the time for which they keep them.
create function shorter_retentions(p_kind text, p_usual interval)
returns table (tenant_id text, kept interval)
language sql
stable
as $$
  select s.tenant_id, make_interval(days => own.days)
  from
    public.tenant_settings as s
    cross join lateral (
      select
        case p_kind when 'events' then s.event_days when 'grants' then s.grant_days when 'audit' then s.audit_days end
    ) as own (days)
  where make_interval(days => own.days) < p_usual;
$$;
