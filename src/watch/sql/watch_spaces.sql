-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes the next look at the stages of these spaces due now, and locks their watches until the transaction ends.
-- Whoever changes what a look looks for calls this first. A look that was leased earlier is then not the last one; a
-- look that is leased later sees the change.
create function watch_spaces(p_tenant text, p_spaces text[])
returns void
language plpgsql
as $$
begin
  insert into public.watches (tenant_id, space_id, next_at)
  select p_tenant, space_id, clock_timestamp()
  from unnest(p_spaces) as space_id
  order by space_id -- in one order, so that two callers never wait for one another
  on conflict (tenant_id, space_id) do update set next_at = clock_timestamp();
end;
$$;
