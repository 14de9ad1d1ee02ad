-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the grant whose participant gets an exchange token: a released grant whose token Stagedoor signed. It is the
-- newest that allows more than the role, else the newest. A null row means that there is none.
create function grant_to_exchange(p_tenant text, p_space text, p_user text, p_role public.roles, p_limits jsonb)
returns public.grants
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  -- Within the statement below, Postgres would compute them anew for each grant of the user.
  v_ids text[] := grants_to_act_on(p_tenant, p_user, p_space, 'infinity', p_limits);
  v_grant public.grants;
begin
  select *
  into v_grant
  from public.grants as g
  where
    g.tenant_id = p_tenant
    and g.id = any (v_ids)
    and g.space_id = p_space
    and g.kind = 'stage'
    and g.mint = 'key-pair'
    and g.state = 'released'
  order by allows_more(g, p_role) desc, g.issued_at desc, g.id desc
  limit 1;
  return v_grant;
end;
$$;
