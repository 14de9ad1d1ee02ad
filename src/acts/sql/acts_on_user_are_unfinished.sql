-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether an act against a user, or against everybody in a space, has not treated all its grants yet. Its next
-- step may record calls that disconnect the user. The actions p_but do not count.
create function acts_on_user_are_unfinished(p_tenant text, p_space text, p_user text, p_but text[])
returns boolean
language sql
stable
as $$
  select
    exists (
      select
      from
        public.unfinished_actions as u
        join public.actions as a on a.tenant_id = u.tenant_id and a.id = u.action_id
      where
        u.tenant_id = p_tenant
        and (a.user_id = p_user or (a.user_id is null and a.space_id = p_space))
        and a.id != all (p_but)
    );
$$;
