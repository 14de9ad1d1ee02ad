-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Leases watches that are due for a look, at most p_limit, and returns what to look for. The accounts take turns, and
-- so do the tenants of an account.
-- users are the IVS user ids to ask IVS for, at most p_by_name, in one ListParticipants call each. Null means that
-- there are more, and that everybody who is connected is listed. demoted is what due_demotions returns. p_rate and
-- p_burst are as in reserve_calls. looked_at is the time of the lease. What happens after it is found by a later look.
create function lease_watches(
  p_limit integer,
  p_lease interval,
  p_by_name integer,
  p_rate double precision,
  p_burst double precision
)
returns table (
  tenant_id text,
  space_id text,
  stage_arn text,
  users text[],
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
  v_spent text[] := array[]::text[]; -- accounts without calls left: new calls are for their first watch in turn
begin
  for v_due in
    select w.tenant_id, w.space_id, t.account
    from
      watches_in_turn() as t
      join public.watches as w on w.tenant_id = t.tenant_id and w.space_id = t.space_id
    where w.leased_until < clock_timestamp()
    order by t.turn, t.account
    limit p_limit
    for update of w skip locked
  loop
    continue when v_due.account = any (v_spent);
    v_users := array(
      select distinct h.ivs_user_id
      from public.holds as h
      where h.tenant_id = v_due.tenant_id and h.space_id = v_due.space_id and h.kind = 'stage'
    );
    if not reserve_look(v_due.account, cardinality(v_users), p_by_name, p_rate, p_burst) then
      v_spent := v_spent || v_due.account;
      continue;
    end if;
    update public.watches as w
    set leased_until = clock_timestamp() + p_lease
    where w.tenant_id = v_due.tenant_id and w.space_id = v_due.space_id;
    return query
      select
        v_due.tenant_id, v_due.space_id, s.stage_arn, case when cardinality(v_users) <= p_by_name then v_users end,
        to_jsonb(array(select due_demotions(v_due.tenant_id, v_due.space_id))), a.region, a.aws_role_arn,
        a.aws_external_id, clock_timestamp()
      from
        spaces_at_ivs(v_due.tenant_id) as s
        cross join aws_account(v_due.tenant_id) as a
      where s.space_id = v_due.space_id;
  end loop;
end;
$$;
