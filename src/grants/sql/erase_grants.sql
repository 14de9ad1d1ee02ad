-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most grants of the user that are over. It leaves those with which somebody
-- may still be inside, or come in: acts find them by the user. Places of the user end by themselves.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_grants(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select g.id, g.issued_at, grant_is_over(g) as is_settled
      from public.grants as g
      where g.tenant_id = p_tenant and g.user_id = p_user and g.issued_at > coalesce(p_after::timestamptz, '-infinity')
      order by g.issued_at
      limit p_most
    ),
    renamed as (
      update public.grants as g
      set
        user_id = p_name,
        ivs_user_id = p_name
      from looked as l
      where l.is_settled and g.tenant_id = p_tenant and g.id = l.id
      returning g.id
    )
  select
    (select count(*) from renamed),
    count(*) filter (where not l.is_settled) + (
      select count(*) from public.places as p where p.tenant_id = p_tenant and p.user_id = p_user
    ) + (select count(*) from public.place_notes as n where n.tenant_id = p_tenant and n.user_id = p_user),
    case when count(*) = p_most then max(l.issued_at)::text end
  from looked as l;
$$;
