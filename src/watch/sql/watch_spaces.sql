-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes the next looks at the stages of these spaces due now, and locks their watches until the transaction ends. A
-- transaction that changes the holds calls it first. A look that was leased earlier is then not the last one, and a
-- look that is leased later sees the change.
create function watch_spaces(p_tenant text, p_spaces text[])
returns void
language plpgsql
as $$
begin
  insert into public.watches (tenant_id, space_id, next_at)
  select p_tenant, space_id, clock_timestamp()
  from unnest(p_spaces) as space_id
  order by space_id -- the same order in every call, so that calls do not deadlock
  on conflict (tenant_id, space_id) do update set next_at = clock_timestamp();
end;
$$;
