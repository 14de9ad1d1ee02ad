-- The events of each tenant: what its own systems want to know. A transaction writes its events without a place. After the
-- commit, number_events gives them their places in the log of the tenant (docs/decisions/0028). No foreign keys, as in the
-- audit log (docs/decisions/0009).
create table events (
  tenant_id text not null,
  -- The order of writing. A transaction that commits late fills a hole in it, so nobody reads by it.
  written bigint generated always as identity,
  id uuid not null default gen_random_uuid(),
  type text not null,
  space_id text,
  user_id text,
  data jsonb not null,
  at timestamptz(3) not null default clock_timestamp(),
  -- The place in the log, from 1, without holes; and when the event got it. Neither goes back in the order of the log.
  position bigint,
  logged_at timestamptz(3),
  primary key (tenant_id, written)
);
create index events_without_position on events (tenant_id, written) where position is null;
create unique index events_in_order on events (tenant_id, position) where position is not null;
create index events_of_type on events (tenant_id, type, position) where position is not null;
create index events_of_space on events (tenant_id, space_id, position) where space_id is not null and position is not null;
create index events_of_user on events (tenant_id, user_id, position) where user_id is not null and position is not null;
create index events_by_time on events (tenant_id, logged_at, position) where position is not null;

-- One row for each tenant that has had an event: the places of its newest event, and of the oldest that is kept.
create table event_logs (
  tenant_id text primary key,
  last_position bigint not null,
  last_at timestamptz(3) not null,
  first_position bigint not null default 1, -- last_position + 1: no event is kept
  first_at timestamptz(3) -- null: no event is kept
);
create index event_logs_by_age on event_logs (first_at) where first_at is not null;

do $$
declare t text;
begin
  foreach t in array array['events', 'event_logs'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true)', t);
  end loop;
end $$;

-- An event is never changed. Only functions that look across the tenants place events, and drop old ones.
grant select, insert (tenant_id, type, space_id, user_id, data) on events to stagedoor_app;
grant select on event_logs to stagedoor_app;
grant select, insert (tenant_id, type, space_id, user_id, data), update (position, logged_at), delete on events
  to stagedoor_crossing;
grant select, insert, update on event_logs to stagedoor_crossing;
