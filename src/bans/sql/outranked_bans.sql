-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of the bans that would keep a user out of a space now if they bound the rank p_rank. Without a rank
-- there are none.
create function outranked_bans(p_tenant text, p_user text, p_space text, p_rank integer)
returns text[]
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return array(
    select id
    from public.bans
    where
      p_rank is not null
      and tenant_id = p_tenant
      and user_id = p_user
      and lifted_at is null
      and (space_id is null or space_id = p_space)
      and (expires_at is null or expires_at > clock_timestamp())
      and not binds(by_rank, p_rank)
    order by id
  );
end;
$$;
