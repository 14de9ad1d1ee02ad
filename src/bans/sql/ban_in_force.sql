-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ban that keeps a user out of a space now. Of several it is the one that ends last. A null row means that
-- there is none. Null p_space means any space. p_rank is the rank of the user; null: they have none. A ban that does
-- not bind this rank does not count. With p_pseudonym, that of the user, the bans that were kept when they were erased
-- count too. Admission calls it only after lock_user.
create function ban_in_force(p_tenant text, p_user text, p_space text, p_rank integer, p_pseudonym text)
returns public.bans
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_ban public.bans;
begin
  select *
  into v_ban
  from public.bans
  where
    tenant_id = p_tenant
    and user_id = any (array[p_user, erased_name(p_pseudonym)])
    and lifted_at is null
    and (
      space_id is null
      or space_id = p_space
      or (p_space is null and (find_space(p_tenant, space_id)).id is not null)
    )
    and binds(by_rank, p_rank)
    and (expires_at is null or expires_at > clock_timestamp())
  order by expires_at desc nulls first
  limit 1;
  return v_ban;
end;
$$;
