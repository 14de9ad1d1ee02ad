-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Reads the vends of a group: [[id, action, space, user, role, stage grant, chat grant, request, caller], ...]. What is
-- missing gets a value that an audit entry may have: the service leaves out nothing, but whoever writes with its rights
-- must not be able to stop the sealing.
create function vends_of_group(p_group public.unsealed_groups)
returns setof public.unsealed_vends
language sql
immutable
as $$
  select
    p_group.tenant_id, coalesce(v.vend ->> 0, p_group.id || '_' || v.nth), p_group.at, nullif(v.vend -> 8, 'null'),
    coalesce(v.vend ->> 1, ''), v.vend ->> 2, v.vend ->> 3, v.vend ->> 4, v.vend ->> 5, v.vend ->> 6,
    coalesce(v.vend ->> 7, '')
  from jsonb_array_elements(p_group.vends) with ordinality as v (vend, nth);
$$;
