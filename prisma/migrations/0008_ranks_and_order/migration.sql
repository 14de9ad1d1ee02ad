-- What is compared of ranks, and the order in which locks let transactions in.

-- The rank of the person who acted; null if an API key acted. The ban or the member row binds only users of a lower rank.
alter table bans
  add column by_rank integer,
  add column outranked boolean not null default false; -- the user came with a rank that the ban does not bind, and it ended
alter table members
  add column by_rank integer,
  add column outranked_at timestamptz(3); -- the user came with a rank that the member row does not bind

-- Time does not tell which of two transactions a lock let in first: now() is the time at which a transaction began, and it
-- may have waited. turn is taken under the lock. It is null in rows from before this migration.
create sequence turns;
grant usage on sequence turns to stagedoor_app;
alter table grants add column turn bigint;
alter table grants alter column turn set default nextval('turns');
alter table actions add column turn bigint;
alter table actions alter column turn set default nextval('turns');

-- The attributes that an app user may add to their own tokens.
alter table roles add column client_attributes text[] not null default '{}';

-- For acts in the whole tenant: all member rows of one user.
create index members_of_user on members (tenant_id, user_id);
