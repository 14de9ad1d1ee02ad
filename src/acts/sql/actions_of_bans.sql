-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of the actions of bans: what the bans had done.
create function actions_of_bans(p_tenant text, p_bans text[])
returns text[]
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return array(select id from public.actions where tenant_id = p_tenant and ban_id = any (p_bans));
end;
$$;
