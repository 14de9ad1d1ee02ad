-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Finds the issuers of a token, before the tenant is known: at most two, the first registered first, and only those of
-- the tenant that registered the first one. Any tenant can register another tenant's issuer with another of its
-- audiences. That must neither bring them the other tenant's users nor lock those out.
-- It reads no keys: anybody can send tokens that cause it to run. read_issuer reads them, once for each version.
create function find_issuers(p_issuer text, p_audiences text[])
returns table (tenant_id text, id text, version integer)
language sql
stable
as $$
  with
    found as (
      select i.tenant_id, i.id, i.version, i.created_at
      from public.issuers as i
      where i.issuer = p_issuer and i.audience = any (p_audiences)
    )
  select f.tenant_id, f.id, f.version
  from found as f
  where f.tenant_id = (select g.tenant_id from found as g order by g.created_at, g.id limit 1)
  order by f.created_at, f.id
  limit 2;
$$;
