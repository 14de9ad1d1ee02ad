-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Notes the grants of vends, whose audit entries these are, for the event grant.issued.
create function note_sealed_vends(p_entries public.audit[])
returns void
language sql
as $$
  select
    note_issued_grants(
      array_agg(e.tenant_id order by e.id, half.nth), array_agg(e.details ->> half.name order by e.id, half.nth)
    )
  from
    unnest(p_entries) as e
    cross join (
      values
        (1, 'stageGrant'),
        (2, 'chatGrant')
    ) as half (nth, name)
  having count(*) > 0;
$$;
