-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most deliveries of events of a tenant that follow p_after, and takes the
-- reasons, and what the receivers have answered, away.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_webhook_deliveries(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select d.id, coalesce(d.user_id = p_user, false) or strpos(d.data::text, to_jsonb(p_user)::text) > 0 as is_theirs
      from public.webhook_deliveries as d
      where d.tenant_id = p_tenant and d.id > coalesce(p_after, '')
      order by d.id
      limit p_most
    ),
    renamed as (
      update public.webhook_deliveries as d
      set
        user_id = case d.user_id when p_user then p_name else d.user_id end,
        data = erased_json(d.data, p_user, p_name),
        answer = null,
        error = null
      from looked as l
      where l.is_theirs and d.tenant_id = p_tenant and d.id = l.id
      returning d.id
    )
  select (select count(*) from renamed), 0::bigint, case when count(*) = p_most then max(l.id) end
  from looked as l;
$$;
