-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Marks a webhook endpoint as deleted at p_at, as the route does. Returns whether it was not deleted yet.
create function forget_webhook(p_tenant text, p_webhook text, p_at timestamptz)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  update public.webhooks
  set
    deleted_at = p_at,
    secret = '',
    previous_secret = null
  where tenant_id = p_tenant and id = p_webhook and deleted_at is null;
  return found;
end;
$$;
