-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Marks released grants as watched: stage grants, and chat grants whose session may still last.
create function mark_grants_watched(p_tenant text, p_ids text[])
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
begin
  update public.grants
  set state = 'watched'
  where
    tenant_id = p_tenant
    and id = any (p_ids)
    and state = 'released'
    and (kind = 'stage' or session_expires_at > now());
end;
$$;
