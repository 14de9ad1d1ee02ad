-- Time of the last attempt to finish what was interrupted. Background work takes what was attempted longest ago first, so
-- that what cannot be finished holds up nothing else.

alter table spaces add column attempted_at timestamptz(3) not null default 'epoch';
alter table signing_keys add column attempted_at timestamptz(3) not null default 'epoch';
-- A step of an action replaces its row, and the next step comes after those of others.
alter table unfinished_actions add column attempted_at timestamptz(3) not null default clock_timestamp();

grant update (attempted_at) on spaces, signing_keys, unfinished_actions to stagedoor_crossing;
drop policy crossing on spaces;
create policy crossing on spaces to stagedoor_crossing using (true);
drop policy crossing on signing_keys;
create policy crossing on signing_keys to stagedoor_crossing using (true);
