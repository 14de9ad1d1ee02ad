-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Locks the watches of the spaces in which these actions hold grants, until the transaction ends. A look that is
-- recording a delivery for one of them ends first, and the transaction then sees its delivery.
create function lock_watches_of_actions(p_tenant text, p_actions text[])
returns void
language plpgsql
as $$
begin
  perform
  from public.watches
  where
    tenant_id = p_tenant
    and space_id in (select space_id from public.holds where tenant_id = p_tenant and action_id = any (p_actions))
  order by space_id
  for update;
end;
$$;
