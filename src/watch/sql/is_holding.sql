-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether an action holds a grant.
create function is_holding(p_tenant text, p_action text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (select from public.holds where tenant_id = p_tenant and action_id = p_action);
end;
$$;
