-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts the grants of the last minute of each user and kind for the rate limit, as vends_in_last_minute does for one
-- user: to p_most at most. The transaction holds the locks of the users exclusively, so no vend to them is under way.
create function vends_of_users(p_tenant text, p_users text[], p_most integer)
returns table (user_id text, stage integer, chat integer)
language plpgsql
stable
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
  return query
    select u.id, counted.stage::integer, counted.chat::integer
    from
      unnest(p_users) as u (id)
      cross join lateral (
        select count(*) filter (where kind = 'stage') as stage, count(*) filter (where kind = 'chat') as chat
        from
          unnest(array['stage', 'chat']) as wanted (kind)
          cross join lateral (
            select
            from public.grants as g
            where
              g.tenant_id = p_tenant
              and g.user_id = u.id
              and g.kind = wanted.kind
              and g.issued_at > now() - interval '1 minute'
              and g.issued_at < now() + interval '1 minute'
            limit p_most
          ) as last_minute
      ) as counted;
end;
$$;
