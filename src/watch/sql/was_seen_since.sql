-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether an earlier step of the look that began at p_since has found the participant of this grant. Null p_grant
-- gives false.
create function was_seen_since(p_tenant text, p_grant text, p_since timestamptz)
returns boolean
language sql
stable
as $$
  select exists (select from public.holds where tenant_id = p_tenant and grant_id = p_grant and seen_at >= p_since);
$$;
