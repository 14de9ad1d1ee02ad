-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Releases those of these grants that no action holds any more.
create function release_unheld(p_tenant text, p_grants text[])
returns void
language plpgsql
as $$
begin
  if cardinality(p_grants) = 0 then
    return;
  end if;
  -- The holds are read under the locks of the grants. A transaction that held one of them before is seen.
  perform lock_grants(p_tenant, p_grants);
  perform
    mark_grants_released(
      p_tenant,
      array(
        select id
        from unnest(p_grants) as id
        where not exists (select from public.holds where tenant_id = p_tenant and grant_id = id)
      )
    );
end;
$$;
