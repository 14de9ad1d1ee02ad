-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Finds the issuers of a token among those of all tenants, before the tenant is known, the first registered first. If
-- few tenants have registered the issuer, it returns all its rows ("whole"). They serve every token of the issuer.
-- Else it returns only rows that fit: p_claims and p_audiences are the paths and values of the token's claims, side by
-- side. Of each tenant it returns the first few, of one tenant more than are tried, so that nobody's rows hide others.
-- It reads no keys: anybody can send tokens that cause it to run. read_issuer reads them, once for each version.
create function find_issuers(p_issuer text, p_claims text[], p_audiences text[], p_limits jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
  v_whole boolean := (
    select count(*) <= limit_count(p_limits, 'issuersOfName')
    from (select from public.issuers where issuer = p_issuer limit limit_count(p_limits, 'issuersOfName') + 1) as i
  );
begin
  return jsonb_build_object(
    'whole', v_whole,
    'issuers', array(
      select
        jsonb_build_object(
          'tenant_id', f.tenant_id, 'id', f.id, 'version', f.version, 'audience', f.audience,
          'audience_claim', f.audience_claim
        )
      from (
        select
          i.*,
          row_number() over (
            partition by i.tenant_id
            order by i.created_at, i.id
          ) as nth
        from public.issuers as i
        where
          i.issuer = p_issuer
          and (
            v_whole
            or exists (
              select
              from unnest(p_claims, p_audiences) as c (claim, audience)
              where c.claim = i.audience_claim and c.audience = i.audience
            )
          )
      ) as f
      where v_whole or f.nth <= limit_count(p_limits, 'candidatesOfTenant')
      order by f.nth, f.created_at, f.id
      limit
        case
          when not v_whole then limit_count(p_limits, 'candidatesOfTenant') * (
              limit_count(p_limits, 'candidateTenants') + 1
            )
        end
    )
  );
end;
$$;
