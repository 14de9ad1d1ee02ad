-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the AWS account of a tenant: its Region, and the role to assume if the tenant has an account of its own.
-- account is the key of the account in deliveries, watches and pacing.
create function aws_account(p_tenant text)
returns table (account text, region text, aws_role_arn text, aws_external_id text)
language sql
stable
as $$
  select coalesce(t.aws_role_arn, 'own') || ' ' || t.region, t.region, t.aws_role_arn, t.aws_external_id
  from public.tenants as t
  where t.id = p_tenant;
$$;
