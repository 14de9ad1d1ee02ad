-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Deletes what is known of the looks at the stage of a deleted space, unless a session of it is on record. Returns
-- whether nothing is left.
create function forget_stage(p_tenant text, p_space text)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  if exists (select from public.stage_sessions where tenant_id = p_tenant and space_id = p_space) then
    return false;
  end if;
  delete from public.stage_looks where tenant_id = p_tenant and space_id = p_space;
  return true;
end;
$$;
