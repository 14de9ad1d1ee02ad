-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists signing keys that IVS should have, at most p_limit, with the AWS account of their tenant, and notes that they
-- are compared with what IVS lists. The tenants take turns, and the key whose turn was longest ago comes first. One
-- that was made or compared less than p_older_than ago is skipped: IVS may not list it yet. A turn that lies ahead is
-- from before the clock was set back.
create function take_signing_keys_to_compare(p_older_than interval, p_limit integer)
returns table (tenant_id text, id text, arn text, account text, region text, aws_role_arn text, aws_external_id text)
language sql
as $$
  with
    due as (
      select
        k.tenant_id, k.id,
        row_number() over (
          partition by k.tenant_id
          order by k.compared_at, k.created_at
        ) as turn
      from public.signing_keys as k
      where
        k.state in ('active', 'retiring')
        and k.created_at < now() - p_older_than
        and k.compared_at not between clock_timestamp() - p_older_than and clock_timestamp() + p_older_than
    ),
    chosen as (
      select k.tenant_id, k.id
      from
        due as d
        join public.signing_keys as k on k.tenant_id = d.tenant_id and k.id = d.id
      where k.compared_at not between clock_timestamp() - p_older_than and clock_timestamp() + p_older_than
      order by d.turn, k.compared_at, k.created_at
      limit p_limit
      for update of k skip locked
    )
  update public.signing_keys as k
  set compared_at = clock_timestamp()
  from
    chosen as c
    cross join lateral aws_account(c.tenant_id) as a
  where k.tenant_id = c.tenant_id and k.id = c.id
  returning k.tenant_id, k.id, k.arn, a.account, a.region, a.aws_role_arn, a.aws_external_id;
$$;
