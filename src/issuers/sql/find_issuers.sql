-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Finds the issuers of a token, before the tenant is known: at most two, the first registered first, and only those of
-- the tenant that registered the first one. Any tenant can register another tenant's issuer with another of its
-- audiences. That must neither bring them the other tenant's users nor lock those out.
create function find_issuers(p_issuer text, p_audiences text[])
returns setof public.issuers
language sql
stable
as $$
  with found as (select * from public.issuers where issuer = p_issuer and audience = any (p_audiences))
  select *
  from found
  where tenant_id = (select tenant_id from found order by created_at, id limit 1)
  order by created_at, id
  limit 2;
$$;
