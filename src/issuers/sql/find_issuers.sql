-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Finds the issuers that a token may be of, before the tenant is known: first registered first, two at most, and only
-- those of the tenant that registered the first one. Anybody can register another tenant's issuer with one more of its
-- audiences. They must neither draw its users over nor lock them out.
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
