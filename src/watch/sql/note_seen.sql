-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Notes that a step of a look that goes on has found these participants, so that the end of the look knows it.
create function note_seen(p_tenant text, p_space text, p_looked_at timestamptz, p_connected jsonb)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  update public.holds
  set seen_at = p_looked_at
  where
    tenant_id = p_tenant
    and space_id = p_space
    and kind = 'stage'
    and participant_id = any (array(select jsonb_object_keys(p_connected)));
end;
$$;
