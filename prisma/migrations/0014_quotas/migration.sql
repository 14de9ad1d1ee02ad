-- How many things of each kind a tenant may have, where the operator has set it. What is not set has its default in
-- src/limits.ts.

alter table tenants add column quotas jsonb not null default '{}';
