-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the looks that are due and that no replica has leased. turn is the position of each in its tenant: the longest
-- due comes first.
create function stage_looks_in_turn()
returns table (tenant_id text, space_id text, turn bigint)
language sql
as $$
  select
    l.tenant_id, l.space_id,
    row_number() over (
      partition by l.tenant_id
      order by l.next_at
    )
  from public.stage_looks as l
  where l.next_at <= clock_timestamp() and l.leased_until < clock_timestamp();
$$;
