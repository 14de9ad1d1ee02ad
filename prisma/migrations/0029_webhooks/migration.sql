-- Webhooks: the endpoints of a tenant, and what is sent to them.

create table webhooks (
  tenant_id text not null references tenants (id),
  id text not null,
  url text not null,
  types text[] not null default '{}', -- empty: all types but those that are only sent where they are asked for
  ordered text not null default 'none' check (ordered in ('none', 'space')),
  description text,
  secret bytea not null, -- encrypted
  previous_secret bytea, -- encrypted; signs as well until previous_until
  previous_until timestamptz(3),
  disabled_at timestamptz(3), -- null: enabled
  disabled_because text check (disabled_because in ('request', 'gone', 'failing')),
  -- The position in the log of events. Each event up to here that the endpoint wants has a delivery, or had one.
  position bigint not null,
  -- A replay goes from replay_position to replay_until; null: there is none. Empty replay_types: as types.
  replay_position bigint,
  replay_until bigint,
  replay_since timestamptz(3),
  replay_types text[] not null default '{}',
  failures integer not null default 0, -- failed attempts since the last one that succeeded
  failing_since timestamptz(3), -- the first of them
  paused_until timestamptz(3) not null default 'epoch', -- the receiver has sent Retry-After
  skipped_events bigint not null default 0, -- events that the log did not have any more when it was their turn
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  deleted_at timestamptz(3), -- the row goes when its deliveries are gone
  primary key (tenant_id, id)
);

-- What is sent to an endpoint: open deliveries, of which an endpoint has only so many, and the log of those that have ended.
create table webhook_deliveries (
  tenant_id text not null,
  id text not null,
  webhook_id text not null,
  seq bigint generated always as identity, -- the order in which they were made
  reason text not null check (reason in ('event', 'test', 'replay')),
  -- The place of the event in the log, and its id there. A test event has the place 0.
  position bigint not null,
  event uuid not null,
  type text not null,
  space_id text,
  user_id text,
  at timestamptz(3) not null, -- of the event
  data jsonb not null,
  -- Deliveries of a chain are sent one after the other: the space, or '' for events without one. Null: in no order.
  chain text,
  behind boolean not null default false, -- an earlier delivery of the chain is open
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  next_at timestamptz(3) not null default now(),
  leased_until timestamptz(3) not null default 'epoch',
  tried_since timestamptz(3), -- the first attempt; null: there was none yet
  attempted_at timestamptz(3), -- the last attempt
  status integer, -- of the last answer; null: no answer came
  answer text, -- the first bytes of its body
  error text, -- why the last attempt failed
  done_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id)
);
create index webhook_deliveries_log on webhook_deliveries (tenant_id, webhook_id, state, seq);
create index webhook_deliveries_due on webhook_deliveries (tenant_id, webhook_id, next_at, seq)
  where state = 'pending' and not behind;
create index webhook_deliveries_chains on webhook_deliveries (tenant_id, webhook_id, chain, seq) where state = 'pending';
create index webhook_deliveries_leased on webhook_deliveries (leased_until)
  where state = 'pending' and leased_until > 'epoch';

do $$
declare t text;
begin
  foreach t in array array['webhooks', 'webhook_deliveries'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true)', t);
  end loop;
end $$;
grant select, insert, update on webhooks, webhook_deliveries to stagedoor_app;
grant select, update (position, replay_position, skipped_events, failures, failing_since, paused_until), delete
  on webhooks to stagedoor_crossing;
grant select, insert, update, delete on webhook_deliveries to stagedoor_crossing;
