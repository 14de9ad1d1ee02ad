-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Writes the event grant.issued of at most p_most grants of untold_grants, in the order in which they were issued. It
-- leaves those whose token is still being made, and forgets those whose token was never given. Returns how many grants
-- it has done with. One replica does it at a time; the others return 0.
create function tell_issued_grants(p_most integer)
returns integer
language plpgsql
as $$
declare
  v_done text[];
begin
  if not try_lock('issued grants', '{}', true) then
    return 0;
  end if;
  with
    chosen as (
      select u.tenant_id, u.grant_id, g.state, grant_issued_event(g) as event
      from
        public.untold_grants as u
        join public.grants as g on g.tenant_id = u.tenant_id and g.id = u.grant_id
      where g.state != 'pending'
      order by u.tenant_id, u.grant_id
      limit p_most
    ),
    written as materialized (
      select write_dated_events(c.tenant_id, jsonb_agg(c.event order by c.grant_id))
      from chosen as c
      where c.state != 'refused'
      group by c.tenant_id
    ),
    told as (
      delete from public.untold_grants as u
      using chosen as c
      where u.tenant_id = c.tenant_id and u.grant_id = c.grant_id
      returning u.grant_id
    )
  select array_agg(t.grant_id)
  into v_done
  from
    told as t
    cross join (select count(*) from written) as w;
  return coalesce(cardinality(v_done), 0);
end;
$$;
