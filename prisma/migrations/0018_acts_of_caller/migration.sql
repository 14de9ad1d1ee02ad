-- For the pace of acts: those of one caller, the newest first.
create index actions_of_caller on actions (tenant_id, (requested_by ->> 'kind'), (requested_by ->> 'id'), created_at desc);
