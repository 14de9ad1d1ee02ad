-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Lists those of these actions that rest on looks that fail. It is not known then whether somebody is on the stage whom
-- the action is against. Null p_actions means all actions of the tenant.
create function actions_on_failing_looks(p_tenant text, p_actions text[])
returns table (action_id text)
language sql
stable
as $$
  select distinct h.action_id
  from
    public.watches as w
    join public.holds as h on h.tenant_id = w.tenant_id and h.space_id = w.space_id and h.kind = 'stage'
  where
    w.tenant_id = p_tenant
    and w.failing_from <= clock_timestamp()
    and (p_actions is null or h.action_id = any (p_actions));
$$;
