-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Notes grants of one or several tenants for the event grant.issued: those of the tenants that ask for it. p_tenants
-- and p_grants go side by side; a null grant is none.
create function note_issued_grants(p_tenants text[], p_grants text[])
returns void
language sql
as $$
  insert into public.untold_grants (tenant_id, grant_id)
  select g.tenant_id, g.id
  from
    unnest(p_tenants, p_grants) as g (tenant_id, id)
    join (
      select one.tenant_id
      from (select distinct t.tenant_id from unnest(p_tenants) as t (tenant_id)) as one
      where issued_grants_are_asked_for(one.tenant_id)
    ) as asking
      on asking.tenant_id = g.tenant_id
  where g.id is not null
  on conflict do nothing;
$$;
