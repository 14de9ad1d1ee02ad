-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns { "role", "byRank", "binds" } of a user's member row in a space, or null. p_rank is the rank that the user
-- has without it; null: they have none. binds says whether the row counts then (binds).
create function member_facts(p_tenant text, p_space text, p_user text, p_rank integer)
returns jsonb
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select jsonb_build_object('role', role, 'byRank', by_rank, 'binds', binds(by_rank, p_rank))
    from public.members
    where tenant_id = p_tenant and space_id = p_space and user_id = p_user
  );
end;
$$;
