-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the id of a ban that would keep a user out of a space now if it bound the rank p_rank; null: there is none.
create function outranked_ban(p_tenant text, p_user text, p_space text, p_rank integer)
returns text
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select id
    from public.bans
    where
      tenant_id = p_tenant
      and user_id = p_user
      and lifted_at is null
      and (space_id is null or space_id = p_space)
      and (expires_at is null or expires_at > clock_timestamp())
      and not binds(by_rank, p_rank)
    order by id
    limit 1
  );
end;
$$;
