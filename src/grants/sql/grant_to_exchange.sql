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
begin
  return (
    select g.held
    from
      unnest(v_ids) as one (id)
      cross join lateral (
        -- The limit makes the planner look for each grant, and not for all grants of the space.
        select held from public.grants as held where tenant_id = p_tenant and id = one.id limit 1
      ) as g
    where
      (g.held).space_id = p_space
      and (g.held).kind = 'stage'
      and (g.held).mint = 'key-pair'
      and (g.held).state = 'released'
    order by allows_more(g.held, p_role) desc, (g.held).issued_at desc, (g.held).id desc
    limit 1
  );
end;
$$;
