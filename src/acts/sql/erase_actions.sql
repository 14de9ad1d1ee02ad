-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most actions of a tenant that follow p_after: in those against the user
-- and those of them. The reasons of these actions go. It leaves those that still have something to do.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_actions(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select
        a.id, a.delivery_told as is_settled,
        coalesce(a.user_id = p_user, false)
        or a.requested_by @> jsonb_build_object('kind', 'user', 'id', p_user) as is_theirs
      from public.actions as a
      where a.tenant_id = p_tenant and a.id > coalesce(p_after, '')
      order by a.id
      limit p_most
    ),
    renamed as (
      update public.actions as a
      set
        user_id = case a.user_id when p_user then p_name else a.user_id end,
        requested_by = erased_json(a.requested_by, p_user, p_name),
        reason = null
      from looked as l
      where l.is_theirs and l.is_settled and a.tenant_id = p_tenant and a.id = l.id
      returning a.id
    )
  select
    (select count(*) from renamed), count(*) filter (where l.is_theirs and not l.is_settled),
    case when count(*) = p_most then max(l.id) end
  from looked as l;
$$;
