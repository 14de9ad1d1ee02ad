-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app, stagedoor_crossing
--
-- Counts the grants of banned users that no hold of their ban covers, for the watchdog. It checks at most p_limit bans
-- whose end is not told, after (p_after_tenant, p_after_ban), in the order of their keys. tenant_id and ban_id are
-- those of the last checked ban. They are null at the end of the table. bans says how many it has checked.
-- Almost no banned user has a grant that can be used, so those are sought first, and the rest is asked about them
-- alone.
create function bans_without_hold(p_after_tenant text, p_after_ban text, p_limit integer, p_limits jsonb)
returns table (tenant_id text, ban_id text, grants bigint, bans bigint)
language sql
stable
as $$
  with
    checked as materialized (
      select *
      from public.bans as b
      where (b.tenant_id, b.id) > (p_after_tenant, p_after_ban) and b.lifted_at is null and not b.expiry_told
      order by b.tenant_id, b.id
      limit p_limit
    ),
    last as (
      select c.tenant_id, c.id
      from checked as c
      order by c.tenant_id desc, c.id desc
      limit case when (select count(*) from checked) < p_limit then 0 else 1 end
    ),
    usable as materialized (
      select c.tenant_id, c.id as ban_id, g.id, g.space_id
      from
        checked as c
        cross join lateral usable_grants(c.tenant_id, c.user_id, c.space_id, p_limits) as g
      where c.expires_at is null or c.expires_at > now()
    )
  select (select last.tenant_id from last), (select last.id from last), count(*), (select count(*) from checked)
  from
    usable as g
    join lateral spaces_at_ivs(g.tenant_id) as s on s.space_id = g.space_id and not s.is_deleted
  where
    not exists (
      select
      from
        holds_of_grant(g.tenant_id, g.id) as h
        join actions_of_ban(g.tenant_id, g.ban_id) as a on a.action_id = h.action_id
    )
    and not exists (select from actions_of_ban(g.tenant_id, g.ban_id) as a where a.is_unfinished);
$$;
