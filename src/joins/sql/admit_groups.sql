-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Decides on vends of several tenants, in one round trip and one transaction. It enters one tenant after the other, so
-- row-level security shows the rows of one at a time. It waits for no lock. An error undoes what was done for the
-- tenant whose vends have caused it, and frees their locks.
-- p_groups: [{ "tenant", "requests" }], with requests as in vend_requests. A tenant is in it once.
-- Returns an answer for each tenant: that of admit_group, or of admit_one if one vend of the tenant is in the group. It
-- is null after an error, which the log of Postgres has.
create function admit_groups(p_groups jsonb, p_vends_per_minute integer, p_limits jsonb)
returns jsonb
language plpgsql
as $$
declare
  v_group record;
  v_answer jsonb;
  v_answers jsonb := jsonb_build_array();
begin
  for v_group in
    select g.tenant, g.requests
    from rows from (jsonb_to_recordset(p_groups) as (tenant text, requests jsonb)) with ordinality as g
    order by g.ordinality
  loop
    begin
      if jsonb_array_length(v_group.requests) = 1 then
        v_answer := admit_one(v_group.tenant, v_group.requests, p_vends_per_minute, p_limits);
      else
        v_answer := admit_group(v_group.tenant, v_group.requests, p_vends_per_minute, p_limits);
      end if;
    exception when others then
      raise warning 'vends of the tenant % cannot be decided together: %', v_group.tenant, sqlerrm;
      v_answer := null;
    end;
    v_answers := v_answers || jsonb_build_array(v_answer);
  end loop;
  return v_answers;
end;
$$;
