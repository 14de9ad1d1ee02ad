-- Sessions of stages, who was in them, and when to look at a stage next.

-- One row for each stage that somebody may be on, or was on. Its lock is taken before the sessions of the space change.
create table stage_looks (
  tenant_id text not null,
  space_id text not null,
  next_at timestamptz(3), -- the next look; null: nobody is there, and nobody can come
  leased_until timestamptz(3) not null default 'epoch',
  expected_until timestamptz(3) not null default 'epoch', -- tokens that may be used until then were handed out
  news_at timestamptz(3) not null default now(), -- tokens, or an event of IVS
  look jsonb, -- the look that goes on
  looked_at timestamptz(3), -- the beginning of the last whole look
  active_session text, -- the session that it found; null: none
  last_error text,
  created_at timestamptz(3) not null default now(),
  primary key (tenant_id, space_id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id)
);
create index stage_looks_due on stage_looks (next_at) where next_at is not null;

create table stage_sessions (
  tenant_id text not null,
  space_id text not null,
  session_id text not null, -- as IVS names it
  seq bigint generated always as identity, -- the order of the list
  started_at timestamptz(3) not null,
  ended_at timestamptz(3),
  listed_at timestamptz(3), -- the beginning of the last look that listed everybody who was connected
  participants integer not null default 0,
  primary key (tenant_id, space_id, session_id),
  foreign key (tenant_id, space_id) references stage_looks (tenant_id, space_id)
);
create index stage_sessions_listed on stage_sessions (tenant_id, space_id, seq);
create index stage_sessions_open on stage_sessions (tenant_id, space_id) where ended_at is null;
create index stage_sessions_ended on stage_sessions (ended_at) where ended_at is not null;

create table stage_participants (
  tenant_id text not null,
  space_id text not null,
  session_id text not null,
  participant_id text not null,
  user_id text not null default '', -- empty: IVS names none, and the token is not from Stagedoor
  grant_id text,
  role text,
  joined_at timestamptz(3) not null, -- the first time
  left_at timestamptz(3), -- null: they are there
  stays integer not null default 1, -- they can come again with the same token
  away_ms bigint not null default 0, -- milliseconds between their stays
  published_at timestamptz(3), -- the last event that says so
  unpublished_at timestamptz(3), -- likewise
  publishing boolean not null default false,
  has_published boolean not null default false,
  seen_at timestamptz(3) not null, -- the last time at which they were there for certain
  certainty text not null check (certainty in ('confirmed', 'reported')), -- what says so
  primary key (tenant_id, space_id, session_id, participant_id),
  foreign key (tenant_id, space_id, session_id) references stage_sessions (tenant_id, space_id, session_id)
);
create index stage_participants_here on stage_participants (tenant_id, space_id, participant_id) where left_at is null;

do $$
declare t text;
begin
  foreach t in array array['stage_looks', 'stage_sessions', 'stage_participants'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true)', t);
  end loop;
end $$;
grant select on stage_looks, stage_sessions, stage_participants to stagedoor_app;
grant select, insert, update, delete on stage_looks, stage_sessions, stage_participants to stagedoor_crossing;
