-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the grants that a user may be connected with in a space, the newest first, and refuses tokens that are being
-- made now and allow more than the role. exceeds is true if a grant allows more than the role does. A null role allows
-- nothing. The transaction holds the lock of the user.
create function grants_beside_role(p_tenant text, p_space text, p_user text, p_role text, p_limits jsonb)
returns table (id text, kind text, role text, participant_id text, ivs_user_id text, exceeds boolean)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_role public.roles := find_role(p_tenant, p_role);
  v_spaces text[];
  v_users text[];
  v_ids text[];
begin
  with
    refused as (
      update public.grants as g
      set state = 'refused'
      where
        g.tenant_id = p_tenant
        and g.user_id = p_user
        and g.space_id || '' = p_space -- makes the planner use the index of users
        and g.issued_at > now() - limit_time(p_limits, 'longestTokenSeconds')
        and g.state = 'pending'
        and allows_more(g, v_role)
      returning g.space_id, g.user_id
    )
  select array_agg(r.space_id), array_agg(r.user_id)
  into v_spaces, v_users
  from refused as r;
  perform note_places(p_tenant, v_spaces, v_users);

  -- In the statement below, the planner may want them anew for each grant of the user.
  v_ids := grants_to_act_on(p_tenant, p_user, p_space, 'infinity', p_limits);
  return query
    select g.id, g.kind, g.role, g.participant_id, g.ivs_user_id, allows_more(g, v_role)
    from public.grants as g
    where g.tenant_id = p_tenant and g.id = any (v_ids)
    order by g.issued_at desc, g.id desc;
end;
$$;
