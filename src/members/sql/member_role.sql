-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role of a user's member row in a space, or null. p_rank is the rank that the user has without it; null:
-- they have none. A row that does not bind this rank is as if it were not there.
create function member_role(p_tenant text, p_space text, p_user text, p_rank integer)
returns text
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select role
    from public.members
    where tenant_id = p_tenant and space_id = p_space and user_id = p_user and binds(by_rank, p_rank)
  );
end;
$$;
