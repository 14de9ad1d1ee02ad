-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the lowest rank of these roles. It is null unless the tenant has all of them and all of them moderate.
create function rank_of_moderators(p_tenant text, p_names text[])
returns integer
language sql
stable
as $$
  select
    case when bool_and(r.moderator is true) then min(r.rank) end
  from
    unnest(p_names) as wanted (name)
    left join public.roles as r on r.tenant_id = p_tenant and r.name = wanted.name;
$$;
