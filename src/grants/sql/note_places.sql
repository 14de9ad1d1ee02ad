-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Notes that grants of these users for these spaces have changed: p_users[n] for p_spaces[n]. Who counts the users of
-- such a space counts these anew. Every function that changes grants calls it after the change, in the same
-- transaction: the transaction then has its id, and place_counts.horizon waits for it. It takes no lock. Spaces without
-- a count cost one look into an index.
create function note_places(p_tenant text, p_spaces text[], p_users text[])
returns void
language plpgsql
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
begin
  if
    p_spaces is null
    or not exists (select from public.place_sources where tenant_id = p_tenant and space_id = any (p_spaces))
  then
    return;
  end if;
  insert into public.place_notes (tenant_id, count_id, user_id)
  select distinct p_tenant, s.count_id, changed.user_id
  from
    unnest(p_spaces, p_users) as changed (space_id, user_id)
    join public.place_sources as s on s.tenant_id = p_tenant and s.space_id = changed.space_id;
end;
$$;
