-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Leases watches that are due for a step of a look, at most p_limit, and returns what to look for. The accounts take
-- turns, and so do the tenants of an account: see watches_in_turn.
-- users are the IVS user ids to look for, at most one more than p_by_name. sweep is the look that goes on; null: the
-- step begins one. pages is the last known number of pages of the list of everybody. calls is how many ListParticipants
-- are reserved, at most p_calls. demoted is what due_demotions returns. p_rate and p_burst are as in reserve_look.
-- looked_at is the time of the lease. What happens after it is found by a later step.
create function lease_watches(
  p_limit integer,
  p_lease interval,
  p_by_name integer,
  p_calls integer,
  p_rate double precision,
  p_burst double precision
)
returns table (
  tenant_id text,
  space_id text,
  stage_arn text,
  users text[],
  sweep jsonb,
  pages integer,
  calls integer,
  demoted jsonb,
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
  v_users text[];
  v_calls integer;
  v_spent text[] := array[]::text[]; -- accounts without calls left: new calls are for their first watch in turn
begin
  for v_due in
    select w.tenant_id, w.space_id, w.sweep, w.pages, t.account, t.stage_arn
    from
      watches_in_turn() as t
      join public.watches as w on w.tenant_id = t.tenant_id and w.space_id = t.space_id
    where
      w.leased_until < clock_timestamp()
      and (t.stage_arn is null or calls_are_left(t.account, 'ListParticipants', p_rate))
    order by t.turn, w.next_at
    limit p_limit
    for update of w skip locked
  loop
    v_users := held_users(v_due.tenant_id, v_due.space_id, p_by_name + 1);
    v_calls := 0;
    -- Nobody is looked for, or nobody can be there: then the step makes no call.
    if v_due.stage_arn is not null and cardinality(v_users) > 0 then
      continue when v_due.account = any (v_spent);
      v_calls := reserve_look(
        v_due.account, case when cardinality(v_users) = 1 then 1 else p_calls end, v_due.sweep is null, p_rate, p_burst
      );
      if v_calls = 0 then
        v_spent := v_spent || v_due.account;
        continue;
      end if;
    end if;
    update public.watches as w
    set leased_until = clock_timestamp() + p_lease
    where w.tenant_id = v_due.tenant_id and w.space_id = v_due.space_id;
    return query
      select
        v_due.tenant_id, v_due.space_id, v_due.stage_arn, v_users, v_due.sweep, v_due.pages, v_calls,
        to_jsonb(array(select due_demotions(v_due.tenant_id, v_due.space_id))), a.region, a.aws_role_arn,
        a.aws_external_id, clock_timestamp()
      from aws_account(v_due.tenant_id) as a;
  end loop;
end;
$$;
