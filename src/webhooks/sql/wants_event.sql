-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether an endpoint wants an event. Empty p_types: all types but grant.issued, of which there are too many. Null
-- p_since: events of all times.
create function wants_event(p_types text[], p_type text, p_at timestamptz, p_since timestamptz)
returns boolean
language sql
immutable
as $$
  select
    case when p_types = '{}' then p_type != 'grant.issued' else p_type = any (p_types) end
    and (p_since is null or p_at >= p_since);
$$;
