-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether there is an action of this ban.
create function has_actions_of_ban(p_tenant text, p_ban text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (select from public.actions where tenant_id = p_tenant and ban_id = p_ban);
end;
$$;
