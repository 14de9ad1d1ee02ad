-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most events of IVS of a tenant that follow p_after.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_ivs_events(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select e.id, coalesce(strpos(e.detail::text, to_jsonb(p_user)::text) > 0, false) as is_theirs
      from public.ivs_events as e
      where e.tenant_id = p_tenant and e.id > coalesce(p_after, '')
      order by e.id
      limit p_most
    ),
    renamed as (
      update public.ivs_events as e
      set detail = erased_json(e.detail, p_user, p_name)
      from looked as l
      where l.is_theirs and e.tenant_id = p_tenant and e.id = l.id
      returning e.id
    )
  select (select count(*) from renamed), 0::bigint, case when count(*) = p_most then max(l.id) end
  from looked as l;
$$;
