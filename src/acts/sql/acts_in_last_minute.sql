-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts the acts of a caller in the last minute, to p_most at most. oldest is the time of the oldest counted act. With
-- p_in_turn the acts of this caller run one after the other from here on. Without that, acts at the same time count the
-- same acts. Acts that lie a minute ahead are from before the clock was set back, and do not count.
create function acts_in_last_minute(p_tenant text, p_kind text, p_id text, p_most integer, p_in_turn boolean)
returns table (used integer, oldest timestamptz)
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_from timestamptz;
begin
  if p_in_turn then
    perform take_lock('pace', array[p_tenant, p_kind, p_id], true);
  end if;
  v_from := clock_timestamp() - interval '1 minute'; -- read once, so that Postgres can use an index
  return query
    select count(*)::integer, min(created_at)::timestamptz
    from (
      select a.created_at
      from public.actions as a
      where
        a.tenant_id = p_tenant
        and a.requested_by ->> 'kind' = p_kind
        and a.requested_by ->> 'id' = p_id
        and a.created_at > v_from
        and a.created_at < now() + interval '1 minute'
      order by a.created_at desc
      limit p_most
    ) as last_minute;
end;
$$;
