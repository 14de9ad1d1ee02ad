-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether the tenant still has this version of this issuer. p_issuer is the id and the version with a dot between.
create function issuer_holds(p_tenant text, p_issuer text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from public.issuers
    where tenant_id = p_tenant and id = split_part(p_issuer, '.', 1) and version::text = split_part(p_issuer, '.', 2)
  );
end;
$$;
