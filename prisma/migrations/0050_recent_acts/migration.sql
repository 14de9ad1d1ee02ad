-- The pace of a caller is counted from the acts of the last minute. Row-level security kept the service from using
-- actions_of_caller: what stands in jsonb is compared after the policies alone, so each act read all actions of the tenant
-- (docs/decisions/0057). `if not exists`: see docs/operations/upgrade.md.
create index if not exists actions_by_time on actions (tenant_id, created_at);
drop index actions_of_caller;
