-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Begins the count of a space that has none, and fills it in p_wait at the earliest.
create function begin_count(p_space public.spaces, p_wait interval)
returns void
language plpgsql
as $$
begin
  insert into public.place_counts (tenant_id, space_id, space_updated_at, begins_at)
  values (p_space.tenant_id, p_space.id, p_space.updated_at, now() + p_wait);
end;
$$;
