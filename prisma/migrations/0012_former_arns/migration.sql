-- An adopted stage or room lives on when its space is deleted, and another space of the tenant may adopt it. Tokens from
-- before then work there. The deleted space keeps the ARNs, so that acts find the grants of these tokens.
alter table spaces
  add column former_stage_arn text,
  add column former_room_arn text;
create index spaces_of_stage on spaces (tenant_id, stage_arn) where stage_arn is not null;
create index spaces_of_room on spaces (tenant_id, room_arn) where room_arn is not null;
create index spaces_of_former_stage on spaces (tenant_id, former_stage_arn) where former_stage_arn is not null;
create index spaces_of_former_room on spaces (tenant_id, former_room_arn) where former_room_arn is not null;
