-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists the p_most tenants that follow p_after, by id, with the number of days for which each keeps things of a kind
-- ('grants' or 'audit'). p_usual is the number of the deployment, which is the most.
create function kept_days(p_kind text, p_after text, p_usual integer, p_most integer)
returns table (tenant_id text, days integer)
language sql
stable
as $$
  select t.id, least(case p_kind when 'grants' then s.grant_days when 'audit' then s.audit_days end, p_usual)
  from
    public.tenants as t
    left join public.tenant_settings as s on s.tenant_id = t.id
  where t.id > p_after
  order by t.id
  limit p_most;
$$;
