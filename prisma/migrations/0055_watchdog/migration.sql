-- The turns of the watchdog, which the replicas share (docs/decisions/0063): how far its pass over all bans is, and what the
-- last turn has found. Nothing but the watchdog locks the row.
create table watchdog (
  one boolean primary key default true check (one), -- the table has one row
  next_at timestamptz(3) not null default 'epoch', -- no turn begins before
  found_at timestamptz(3) not null default clock_timestamp(), -- the end of the last turn
  findings jsonb not null default '{}', -- what it has found, by gauge
  failed text[] not null default '{}', -- the checks of it that failed
  after_tenant text not null default '', -- the last ban that was checked; empty: a pass begins
  after_ban text not null default '',
  pass_began_at timestamptz(3) not null default clock_timestamp(),
  found_in_pass bigint not null default 0, -- grants that no hold covers
  passed_at timestamptz(3) not null default clock_timestamp(), -- the end of the last pass
  pass_seconds double precision not null default 0, -- how long it took
  found_before bigint not null default 0 -- what it found
);
grant select, insert, update on watchdog to stagedoor_crossing;
