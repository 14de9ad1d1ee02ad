-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends the holds of a space whose ban has ended, p_most at most, and releases the grants that nothing else holds. The
-- next step of a look ends more.
create function end_overdue_holds(p_tenant text, p_space text, p_most integer)
returns void
language plpgsql
as $$
declare
  v_overdue tid[] := array(
    select ctid
    from public.holds
    where tenant_id = p_tenant and space_id = p_space and until <= clock_timestamp()
    limit p_most
  );
  v_grants text[];
begin
  with gone as (delete from public.holds where ctid = any (v_overdue) returning grant_id)
  select coalesce(array_agg(distinct grant_id), '{}')
  into v_grants
  from gone;
  perform release_unheld(p_tenant, v_grants);
end;
$$;
