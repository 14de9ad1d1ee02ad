-- One index in the place of two that Postgres could not choose between: it read all calls of a space to find those to one
-- participant (docs/decisions/0057). `if not exists`: see docs/operations/upgrade.md.
create index if not exists deliveries_by_target on deliveries (tenant_id, space_id, target);
drop index deliveries_of_space, deliveries_of_participant;
