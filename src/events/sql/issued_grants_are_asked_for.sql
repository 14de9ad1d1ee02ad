-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether grant.issued is recorded for a tenant: a reader has asked for it not long ago, or a webhook endpoint
-- names it.
create function issued_grants_are_asked_for(p_tenant text)
returns boolean
language sql
stable
as $$
  select
    exists (select from public.event_logs as l where l.tenant_id = p_tenant and l.issued_until > now())
    or webhook_names_type(p_tenant, 'grant.issued');
$$;
