-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most bans of a tenant that follow p_after: of those against the user,
-- which hold on, and of those that they made or lifted. The reasons of these bans go.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_bans(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select
        b.id,
        b.user_id = p_user
        or b.created_by = jsonb_build_object('kind', 'user', 'id', p_user)
        or b.lifted_by = jsonb_build_object('kind', 'user', 'id', p_user) as is_theirs
      from public.bans as b
      where b.tenant_id = p_tenant and b.id > coalesce(p_after, '')
      order by b.id
      limit p_most
    ),
    renamed as (
      update public.bans as b
      set
        user_id = case b.user_id when p_user then p_name else b.user_id end,
        created_by = erased_json(b.created_by, p_user, p_name),
        lifted_by = erased_json(b.lifted_by, p_user, p_name),
        reason = null
      from looked as l
      where l.is_theirs and b.tenant_id = p_tenant and b.id = l.id
      returning b.id
    )
  select
    (select count(*) from renamed), 0::bigint, case when count(*) = p_most then max(l.id) end
  from looked as l;
$$;
