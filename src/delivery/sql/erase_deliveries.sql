-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most deliveries of a tenant that follow p_after, and takes the reasons and
-- the answers of IVS away, also those of actions that concern the user and name a participant or a message. It leaves
-- those that are not settled: IVS is told the user id. As every function of this kind it returns how many rows it has
-- changed or deleted, how many it left because they are needed until a token has expired, and where to go on: null if
-- it has come to the end.
create function erase_deliveries(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select
        d.id,
        d.target = p_user
        or strpos(d.parameters::text, to_jsonb(p_user)::text) > 0
        or (d.parameters ? 'reason' and action_concerns(p_tenant, d.action_id, p_user, p_name)) as is_theirs,
        d.state not in ('pending', 'stuck') and d.lands_until < clock_timestamp() as is_settled
      from public.deliveries as d
      where d.tenant_id = p_tenant and d.id > coalesce(p_after::bigint, 0)
      order by d.id
      limit p_most
    ),
    renamed as (
      update public.deliveries as d
      set
        target = case d.target when p_user then p_name else d.target end,
        parameters = erased_json(d.parameters, p_user, p_name) - 'reason',
        last_error = null
      from looked as l
      where l.is_theirs and l.is_settled and d.tenant_id = p_tenant and d.id = l.id
      returning d.id
    )
  select
    (select count(*) from renamed), count(*) filter (where l.is_theirs and not l.is_settled),
    case when count(*) = p_most then max(l.id)::text end
  from looked as l;
$$;
