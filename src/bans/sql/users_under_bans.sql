-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns those of p_users who are under a ban that is in force now, in any space of the tenant, whomever it binds.
-- p_pseudonyms has theirs, in the same order: bans that were kept when they were erased count
-- too. Admission calls it only after the locks of the users.
create function users_under_bans(p_tenant text, p_users text[], p_pseudonyms text[])
returns text[]
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return array(
    select u.id
    from
      unnest(p_users, p_pseudonyms) as u (id, pseudonym)
      cross join lateral (
        select
        from public.bans as b
        where
          b.tenant_id = p_tenant
          and b.user_id = any (array[u.id, erased_name(u.pseudonym)])
          and b.lifted_at is null
          and (b.expires_at is null or b.expires_at > clock_timestamp())
        limit 1
      ) as found
  );
end;
$$;
