-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether the tenant still has this issuer.
create function issuer_holds(p_tenant text, p_issuer text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (select from public.issuers where tenant_id = p_tenant and id = p_issuer);
end;
$$;
