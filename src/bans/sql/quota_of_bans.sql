-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns null if a tenant may have one more ban in force, else how many it may have. As assertBelowQuota of
-- src/quotas.ts, it takes no lock while the tenant has few, and two bans at once cannot pass the quota.
create function quota_of_bans(p_tenant text, p_usual integer, p_limits jsonb)
returns integer
language plpgsql
as $$
declare
  v_far integer := limit_count(p_limits, 'farBelowQuota');
  v_most integer := tenant_quota(p_tenant, 'bans', p_usual, false);
begin
  if v_most > v_far and has_fewer_bans(p_tenant, v_most - v_far, p_limits) then
    return null;
  end if;
  v_most := tenant_quota(p_tenant, 'bans', p_usual, true);
  return case when bans_in_force(p_tenant, v_most) >= v_most then v_most end;
end;
$$;
