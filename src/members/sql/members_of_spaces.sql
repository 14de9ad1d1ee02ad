-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the member rows of users in spaces: of the first user in the first space, of the second in the second.
create function members_of_spaces(p_tenant text, p_spaces text[], p_users text[])
returns setof public.members
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return query
    select found.*
    from
      unnest(p_spaces, p_users) as asked (space_id, user_id)
      cross join lateral (
        select *
        from public.members as m
        where m.tenant_id = p_tenant and m.space_id = asked.space_id and m.user_id = asked.user_id
        offset 0
      ) as found;
end;
$$;
