-- The newest freezing of a space was looked for among all acts that the space ever had (docs/decisions/0057).
-- `if not exists`: see docs/operations/upgrade.md.
create index if not exists freezings_of_space on actions (tenant_id, space_id, turn desc nulls last, created_at desc)
  where kind = 'space.freeze';
