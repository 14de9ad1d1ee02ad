-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether nothing needs to know any more whose a grant was: nobody can use its token, its session has ended, no
-- action holds it, and no call to IVS about it is left.
create function grant_is_over(p_grant public.grants)
returns boolean
language sql
stable
as $$
  select
    p_grant.expires_at < now()
    and p_grant.session_expires_at < now()
    and p_grant.state != 'pending'
    and not exists (select from holds_of_grant(p_grant.tenant_id, p_grant.id))
    and not has_open_delivery(p_grant.tenant_id, p_grant.id);
$$;
