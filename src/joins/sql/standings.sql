-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes the checks of admission_refusal for several vends in one statement, and knows the plain case alone. leaves is
-- null for it; else it says which check needs a closer look. It refuses nobody. p_requests is as in vend_requests. The
-- transaction holds the locks of p_spaces and p_users. Requests of others are not in the answer; neither is the second
-- request of a user.
create function standings(p_tenant public.tenants, p_requests jsonb, p_spaces text[], p_users text[])
returns table (nth integer, leaves text, space public.spaces, role public.roles)
language plpgsql
stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
    with
      request as materialized (
        select distinct on (r."user") r.*
        from vend_requests(p_requests) as r
        where r.space = any (p_spaces) and r."user" = any (p_users)
        order by r."user", r.nth
      ),
      named as materialized (
        select
          r.nth, r."user", c.holds, s as space, r.asked is null and not binds(m.by_rank, l.rank) as is_outranked,
          coalesce(r.asked, m.role, l.name, s.default_role) as role
        from
          request as r
          join (
            select o.*, credential_holds(p_tenant.id, o.kind, o.credential) as holds
            from (select distinct kind, credential from request) as o
          ) as c
            using (kind, credential)
          left join find_spaces(p_tenant.id, p_spaces) as s on s.id = r.space
          left join (
            select o.claimed, f.name, f.rank
            from
              (select distinct claimed from request where cardinality(claimed) > 0) as o
              cross join lateral claimed_role(p_tenant.id, o.claimed) as f
          ) as l
            using (claimed)
          left join members_of_spaces(
            p_tenant.id, array(select space from request order by nth), array(select "user" from request order by nth)
          ) as m
            on m.space_id = r.space and m.user_id = r."user"
      )
    select
      n.nth,
      case
        when p_tenant.status != 'active' then 'tenant'
        when not n.holds then 'credential'
        when (n.space).status is distinct from 'open'
          or (n.space).frozen_at is not null then 'space'
        when b.id is not null then 'ban'
        when n.is_outranked then 'member'
        when f.name is null then 'role'
      end,
      n.space, f
    from
      named as n
      left join unnest(
        users_under_bans(
          p_tenant.id, array(select "user" from request order by nth), array(select pseudonym from request order by nth)
        )
      ) as b (id)
        on b.id = n."user"
      left join find_roles(p_tenant.id, array(select distinct role from named)) as f on f.name = n.role;
end;
$$;
