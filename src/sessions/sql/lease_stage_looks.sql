-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Leases looks at who is on a stage that are due, at most p_limit; the tenants take turns. stage_arn is null if the
-- stage is gone. look is the look that goes on; null: begin one. active_session is what the last whole look found,
-- has_news whether tokens or events came since. looked_at is the time of the lease.
create function lease_stage_looks(p_limit integer, p_lease interval)
returns table (
  tenant_id text,
  space_id text,
  stage_arn text,
  look jsonb,
  active_session text,
  has_news boolean,
  region text,
  aws_role_arn text,
  aws_external_id text,
  looked_at timestamptz
)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_due record;
begin
  for v_due in
    select l.tenant_id, l.space_id
    from
      stage_looks_in_turn() as t
      join public.stage_looks as l on l.tenant_id = t.tenant_id and l.space_id = t.space_id
    where l.leased_until < clock_timestamp() and l.next_at <= clock_timestamp()
    order by t.turn, l.next_at
    limit p_limit
    for update of l skip locked
  loop
    update public.stage_looks as l
    set leased_until = clock_timestamp() + p_lease
    where l.tenant_id = v_due.tenant_id and l.space_id = v_due.space_id;
    return query
      select
        l.tenant_id, l.space_id, case when not s.is_deleted then s.stage_arn end, l.look, l.active_session,
        l.looked_at is null or l.news_at >= l.looked_at, a.region, a.aws_role_arn, a.aws_external_id, clock_timestamp()
      from
        public.stage_looks as l
        cross join lateral aws_account(l.tenant_id) as a
        join lateral spaces_at_ivs(l.tenant_id) as s on s.space_id = l.space_id
      where l.tenant_id = v_due.tenant_id and l.space_id = v_due.space_id;
  end loop;
end;
$$;
