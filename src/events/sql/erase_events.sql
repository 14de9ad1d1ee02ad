-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most events of a tenant that follow p_after, and takes the reasons in them
-- away. The events keep their places in the log.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_events(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select
        e.written, coalesce(e.user_id = p_user, false) or strpos(e.data::text, to_jsonb(p_user)::text) > 0 as is_theirs
      from public.events as e
      where e.tenant_id = p_tenant and e.written > coalesce(p_after::bigint, 0)
      order by e.written
      limit p_most
    ),
    renamed as (
      update public.events as e
      set
        user_id = case e.user_id when p_user then p_name else e.user_id end,
        data = erased_json(e.data, p_user, p_name)
      from looked as l
      where l.is_theirs and e.tenant_id = p_tenant and e.written = l.written
      returning e.written
    )
  select
    (select count(*) from renamed), 0::bigint, case when count(*) = p_most then max(l.written)::text end
  from looked as l;
$$;
