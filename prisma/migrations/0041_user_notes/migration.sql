-- What moderators note about a user, for each other. A note is written once and never changed.

create table user_notes (
  tenant_id text not null,
  id text not null,
  user_id text not null,
  text text not null,
  author jsonb not null, -- the caller who has written it: { "kind", "id" }
  created_at timestamptz(3) not null default now(),
  primary key (tenant_id, id)
);
create index user_notes_of_user on user_notes (tenant_id, user_id, id);

alter table user_notes enable row level security;
alter table user_notes force row level security;
create policy serving on user_notes to stagedoor_app using (true) with check (true);
create policy tenant on user_notes as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
grant select, insert, delete on user_notes to stagedoor_app;

-- What was done against one user, as the deletions of their messages.
create index actions_of_user on actions (tenant_id, user_id, id) where user_id is not null;
