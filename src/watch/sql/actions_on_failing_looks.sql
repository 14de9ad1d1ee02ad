-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the actions of a tenant that rest on looks that fail: see rests_on_failing_look.
create function actions_on_failing_looks(p_tenant text)
returns table (action_id text)
language sql
stable
as $$
  select distinct h.action_id
  from
    public.watches as w
    join public.holds as h on h.tenant_id = w.tenant_id and h.space_id = w.space_id and h.kind = 'stage'
  where w.tenant_id = p_tenant and w.failing_from <= clock_timestamp();
$$;
