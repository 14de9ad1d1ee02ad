-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts a user's grants of the last minute for the rate limit. Of the requested kinds it returns the one with the most
-- grants. oldest is the time of the oldest counted grant. It counts to p_most at most.
-- Vends to one user run one after the other from here on, unless p_is_dry. Without that, vends at the same time would
-- count the same grants. Grants that lie a minute ahead are from before the clock was set back, and do not count.
create function vends_in_last_minute(
  p_tenant text,
  p_user text,
  p_stage boolean,
  p_chat boolean,
  p_most integer,
  p_is_dry boolean
)
returns table (used integer, oldest timestamptz)
language plpgsql
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  if not p_is_dry then
    perform take_lock('rate', array[p_tenant, p_user], true);
  end if;
  return query
    select counted.used::integer, counted.oldest::timestamptz
    from
      unnest(array['stage', 'chat'], array[p_stage, p_chat]) as wanted (kind, is_wanted)
      cross join lateral (
        select count(*) as used, min(issued_at) as oldest
        from (
          select g.issued_at
          from public.grants as g
          where
            g.tenant_id = p_tenant
            and g.user_id = p_user
            and g.kind = wanted.kind
            and g.issued_at > now() - interval '1 minute'
            and g.issued_at < now() + interval '1 minute'
          order by g.issued_at desc
          limit p_most
        ) as last_minute
      ) as counted
    where wanted.is_wanted
    order by counted.used desc, counted.oldest desc
    limit 1;
end;
$$;
