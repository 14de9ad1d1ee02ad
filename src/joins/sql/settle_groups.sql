-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends vends of several tenants that IVS had a part in, in one round trip and one transaction. It enters one tenant
-- after the other, as admit_groups does, and waits for no lock. An error undoes what was done for the tenant whose
-- vends have caused it, and frees their locks.
-- p_groups: [{ "tenant", "requests" }], with requests as in settle_group. A tenant is in it once.
-- Returns what settle_group returns for each tenant, or null after an error, which the log of Postgres has.
create function settle_groups(p_groups jsonb)
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
        v_answer := settle_one(v_group.tenant, v_group.requests);
      else
        v_answer := settle_group(v_group.tenant, v_group.requests);
      end if;
    exception when others then
      raise warning 'vends of the tenant % cannot be ended together: %', v_group.tenant, sqlerrm;
      v_answer := null;
    end;
    v_answers := v_answers || jsonb_build_array(v_answer);
  end loop;
  return v_answers;
end;
$$;
