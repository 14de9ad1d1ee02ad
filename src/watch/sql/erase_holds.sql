-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes holds of a user whose token has expired for longer than IVS lets anybody stay, which is a day: what would
-- have ended them did not come, as after a long outage of IVS. It leaves the others. They, and the looks in which the
-- user is, end by themselves.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_holds(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    gone as (
      delete from public.holds
      where tenant_id = p_tenant and ivs_user_id = p_user and expires_at < now() - interval '25 hours'
      returning grant_id
    ),
    needed as (
      select
      from public.holds
      where tenant_id = p_tenant and ivs_user_id = p_user and expires_at >= now() - interval '25 hours'
      union all
      select
      from public.watches
      where tenant_id = p_tenant and strpos(sweep::text, to_jsonb(p_user)::text) > 0
    )
  select (select count(*) from gone), (select count(*) from needed), null::text;
$$;
