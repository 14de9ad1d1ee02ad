-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the time at which a ban ends by itself. It is null if the ban has no end, or if p_ban is null.
create function ban_end(p_tenant text, p_ban text)
returns timestamptz
language sql
stable
as $$
  select expires_at from public.bans where tenant_id = p_tenant and id = p_ban;
$$;
