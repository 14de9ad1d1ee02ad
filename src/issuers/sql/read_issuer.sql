-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the row of an issuer that find_issuers has found, with its keys; no row if it was deleted meanwhile.
create function read_issuer(p_tenant text, p_issuer text)
returns setof public.issuers
language sql
stable
as $$
  select * from public.issuers where tenant_id = p_tenant and id = p_issuer;
$$;
