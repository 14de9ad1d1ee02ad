-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the secrets of webhook endpoints of all tenants that another master key than p_seal has sealed, in the order
-- of their keys, after p_tenant and p_id, p_most at most. An endpoint may have two.
create function sealed_webhooks(p_seal text, p_tenant text, p_id text, p_most integer)
returns table (tenant_id text, id text, sealed bytea)
language sql
stable
as $$
  select w.tenant_id, w.id, s.sealed
  from
    public.webhooks as w
    cross join lateral (
      values
        (w.secret),
        (w.previous_secret)
    ) as s (sealed)
  where (w.tenant_id, w.id) > (p_tenant, p_id) and seal_of(s.sealed) != p_seal
  order by w.tenant_id, w.id
  limit p_most;
$$;
