-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the capabilities of the newest released grant of a participant; an empty list if there is none.
create function capabilities_of_participant(p_tenant text, p_participant text)
returns text[]
language sql
stable
as $$
  select
    coalesce(
      (
        select capabilities
        from public.grants
        where tenant_id = p_tenant and participant_id = p_participant and state = 'released'
        order by issued_at desc, id desc
        limit 1
      ),
      '{}'
    );
$$;
