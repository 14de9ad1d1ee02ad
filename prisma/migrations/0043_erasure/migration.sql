-- Erasure of one person (docs/decisions/0050), and the end of a tenant (docs/decisions/0051). Each goes on in steps, on any
-- replica, and says how far it has come.

create table erasures (
  tenant_id text not null references tenants (id),
  id text not null, -- that of its action
  user_id text, -- who is erased; null once they are
  name text not null, -- what stands in the place of the user id from then on
  requested_at timestamptz(3) not null default now(),
  -- A pass goes over all tables. The next step of it begins in this table, behind this key.
  place integer not null default 0,
  after text,
  changed integer not null default 0, -- rows that this pass has changed
  waiting integer not null default 0, -- rows that it left, because they are needed until a token has expired
  erased jsonb not null default '{}', -- rows that all passes have changed, by table
  next_at timestamptz(3) not null default now(),
  leased_until timestamptz(3) not null default 'epoch',
  finished_at timestamptz(3),
  primary key (tenant_id, id),
  check ((user_id is null) = (finished_at is not null))
);
create index erasures_due on erasures (next_at) where finished_at is null;

create table tenant_ends (
  tenant_id text primary key references tenants (id),
  requested_at timestamptz(3) not null default now(),
  step text not null default 'access'
    check (step in ('access', 'people', 'resources', 'tokens', 'rest', 'rows', 'ended')),
  leave_resources boolean not null default false, -- what cannot be deleted at IVS is left there
  left_resources text[] not null default '{}', -- ARNs of what was left
  deleted jsonb not null default '{}', -- rows that were deleted, by table
  last_error text,
  failures integer not null default 0, -- in a row
  next_at timestamptz(3) not null default now(),
  leased_until timestamptz(3) not null default 'epoch',
  ended_at timestamptz(3),
  check ((step = 'ended') = (ended_at is not null))
);
create index tenant_ends_due on tenant_ends (next_at) where ended_at is null;

-- A tenant that is being ended cannot become active again, also by a replica of the release before.
alter table tenants add column ending_at timestamptz(3);
alter table tenants add column ended_at timestamptz(3);
alter table tenants add constraint tenants_ending_check check (ending_at is null or status = 'suspended') not valid;

alter table actions drop constraint actions_kind_check;
-- All rows satisfied the narrower check, so this one need not read them.
alter table actions add constraint actions_kind_check
  check (kind in ('participant.disconnect', 'user.disconnect', 'message.delete', 'event.send', 'ban', 'grants.revoke',
                  'space.freeze', 'role.change', 'user.erase', 'tenant.end')) not valid;

do $$
declare t text;
begin
  foreach t in array array['erasures', 'tenant_ends'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true)', t);
  end loop;
end $$;
grant select, insert, update on erasures, tenant_ends to stagedoor_app;
grant select, update (leased_until), delete on erasures to stagedoor_crossing;
grant select, update (leased_until) on tenant_ends to stagedoor_crossing;

-- For the functions drop_…_of_tenant, which delete all rows of a tenant that is being ended, and erase_…, which change rows
-- in which a user stands who is to be erased.
do $$
declare t text;
begin
  foreach t in array array['api_keys', 'issuers', 'roles', 'spaces', 'members', 'signing_keys', 'tenant_settings', 'holds',
                           'unfinished_actions', 'watches', 'user_notes', 'webhooks', 'console_users', 'event_logs'] loop
    execute format('drop policy if exists crossing on %I', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true)', t);
    execute format('grant select, delete on %I to stagedoor_crossing', t);
  end loop;
end $$;
create policy crossing_delete on console_issuers for delete to stagedoor_crossing using (true);
grant select, delete on console_issuers to stagedoor_crossing;
grant update (user_id, ivs_user_id) on grants to stagedoor_crossing;
grant update (user_id, reason, created_by, lifted_by) on bans to stagedoor_crossing;
grant update (user_id, reason, requested_by) on actions to stagedoor_crossing;
grant update (user_id, data) on events to stagedoor_crossing;
grant update (author) on user_notes to stagedoor_crossing;
grant update (detail) on ivs_events to stagedoor_crossing;
