-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether there is a delivery of this action, or about this grant. The other of the two is null.
create function has_deliveries(p_tenant text, p_action text, p_grant text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  if p_action is not null then
    return exists (select from public.deliveries where tenant_id = p_tenant and action_id = p_action);
  end if;
  return exists (select from public.deliveries where tenant_id = p_tenant and grant_id = p_grant);
end;
$$;
