-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts the bans of a tenant that are in force, to p_most at most. It reads none that have ended, and of those in
-- force entries of an index alone. A bitmap would look at each ban.
create function bans_in_force(p_tenant text, p_most integer)
returns integer
language plpgsql
stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
  return (
    select count(*)::integer
    from (
      select
      from public.bans
      where tenant_id = p_tenant and least(lifted_at, expires_at, 'infinity'::timestamptz) > now()
      limit p_most
    ) as counted
  );
end;
$$;
