-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether an endpoint of a tenant names a type of event. A disabled one counts: it goes on where it stopped.
create function webhook_names_type(p_tenant text, p_type text)
returns boolean
language sql
stable
as $$
  select
    exists (
      select
      from public.webhooks as w
      where w.tenant_id = p_tenant and w.deleted_at is null and p_type = any (w.types)
    );
$$;
