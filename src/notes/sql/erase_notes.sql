-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes the notes about a user, and puts p_name in the place of the user id in those that they have written.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_notes(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    gone as (delete from public.user_notes where tenant_id = p_tenant and user_id = p_user returning id),
    renamed as (
      update public.user_notes
      set author = erased_json(author, p_user, p_name)
      where tenant_id = p_tenant and user_id != p_user and author = jsonb_build_object('kind', 'user', 'id', p_user)
      returning id
    )
  select (select count(*) from gone) + (select count(*) from renamed), 0::bigint, null::text;
$$;
