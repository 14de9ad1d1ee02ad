-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Reads grants by their ids, in the order of the ids. Its plan is not kept: a plan that was made while the table was
-- small would read all grants of the tenant.
create function grants_by_id(p_tenant text, p_ids text[])
returns public.grants[]
language sql
stable
set plan_cache_mode = force_custom_plan
as $$
  select
    array(
      select one.found
      from
        unnest(p_ids) with ordinality as wanted (id, nth)
        cross join lateral (
          select g as found from public.grants as g where g.tenant_id = p_tenant and g.id = wanted.id offset 0
        ) as one
      order by wanted.nth
    );
$$;
