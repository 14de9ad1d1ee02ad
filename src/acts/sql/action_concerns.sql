-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether an action is against a user or of them. After their erasure they have the name p_name.
create function action_concerns(p_tenant text, p_action text, p_user text, p_name text)
returns boolean
language sql
stable
as $$
  select
    exists (
      select
      from public.actions as a
      where
        a.tenant_id = p_tenant
        and a.id = p_action
        and (
          a.user_id in (p_user, p_name)
          or ((a.requested_by ->> 'kind') = 'user' and (a.requested_by ->> 'id') in (p_user, p_name))
        )
    );
$$;
