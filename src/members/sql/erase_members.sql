-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes the member rows of a user.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_members(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with gone as (delete from public.members where tenant_id = p_tenant and user_id = p_user returning user_id)
  select count(*), 0::bigint, null::text
  from gone;
$$;
