-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the tenant that a request is about, before its caller is known, and the issuers of this name that the tenant
-- has, the first registered first; null: there is no such tenant. p_tenant is an id or a slug; without it the owner of
-- p_space counts. The claims of a token are not needed: the answer serves every token of the issuer.
create function issuers_of_place(p_tenant text, p_space text, p_issuer text, p_limits jsonb)
returns jsonb
language plpgsql
stable
as $$
declare
  v_tenant text := case
    when p_tenant is null then tenant_of_space(p_space)
    else coalesce((find_tenant(p_tenant)).id, tenant_of_slug(p_tenant))
  end;
begin
  if v_tenant is null then
    return null;
  end if;
  return jsonb_build_object(
    'tenant_id', v_tenant,
    'issuers', array(
      select
        jsonb_build_object(
          'tenant_id', tenant_id, 'id', id, 'version', version, 'audience', audience, 'audience_claim', audience_claim
        )
      from public.issuers
      where tenant_id = v_tenant and issuer = p_issuer
      order by created_at, id
      limit limit_count(p_limits, 'issuersOfTenant')
    )
  );
end;
$$;
