-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether looks at a stage fail that an action rests on: then it is not known whether somebody is there whom the
-- action is against.
create function rests_on_failing_look(p_tenant text, p_action text)
returns boolean
language sql
stable
as $$
  select
    exists (
      select
      from public.watches as w
      where
        w.tenant_id = p_tenant
        and w.failing_from <= clock_timestamp()
        and exists (
          select
          from public.holds as h
          where h.tenant_id = p_tenant and h.action_id = p_action and h.space_id = w.space_id and h.kind = 'stage'
        )
    );
$$;
