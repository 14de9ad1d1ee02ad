-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the watches whose next step is due and that no replica has leased. turn is the position of each in its account:
-- the tenants of an account take turns, and the longest due of each tenant comes first. The stages of deleted spaces
-- come after all others. stage_arn is null if the stage is gone.
create function watches_in_turn()
returns table (tenant_id text, space_id text, account text, stage_arn text, turn bigint)
language sql
as $$
  select
    due.tenant_id, due.space_id, due.account, due.stage_arn,
    row_number() over (
      partition by due.account
      order by due.is_deleted, due.place, due.next_at
    )
  from (
    select
      w.tenant_id, w.space_id, a.account, w.next_at, s.stage_arn, s.is_deleted,
      row_number() over (
        partition by w.tenant_id, s.is_deleted
        order by w.next_at
      ) as place
    from
      public.watches as w
      cross join lateral aws_account(w.tenant_id) as a
      join lateral spaces_at_ivs(w.tenant_id) as s on s.space_id = w.space_id
    where w.next_at <= clock_timestamp() and w.leased_until < clock_timestamp()
  ) as due;
$$;
