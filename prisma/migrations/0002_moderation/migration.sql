-- The tables of moderation: actions, their deliveries to IVS, and the watch over stages. The functions stand in
-- src/<feature>/sql/.

-- ---------------------------------------------------------------------------------------------------------- tables --

-- The record of what a moderator did.
create table actions (
  tenant_id text not null references tenants (id),
  id text not null,
  kind text not null check (kind in ('participant.disconnect', 'user.disconnect', 'message.delete', 'event.send',
                                     'ban', 'grants.revoke', 'space.freeze', 'role.change')),
  space_id text,
  user_id text,
  ban_id text,
  reason text,
  requested_by jsonb not null,
  created_at timestamptz(3) not null default now(),
  requested_at timestamptz(3) not null, -- time at which the request came in, by the clock of the database
  silenced_at timestamptz(3),           -- time at which the last connection that the action concerns was gone
  held_until timestamptz(3),            -- no delivery of the action begins before this, because the action is being undone
  primary key (tenant_id, id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id),
  foreign key (tenant_id, ban_id) references bans (tenant_id, id)
);
create index actions_of_space on actions (tenant_id, space_id, id);
create index actions_of_ban on actions (tenant_id, ban_id) where ban_id is not null;
create index actions_held on actions (held_until) where held_until is not null;
create index role_changes_of_user on actions (tenant_id, user_id, space_id) where kind = 'role.change';

-- One call to IVS that an action needs. A replica leases it, makes it, and repeats it until it is settled.
--   pending        the service will call IVS, or call it again
--   done           IVS has confirmed the call
--   not_connected  IVS knows nobody with that id
--   expired        not needed any more: it is too late to matter, or the action was undone
--   stuck          IVS refuses the call; the service repeats it slowly, and logs the refusal
create table deliveries (
  tenant_id text not null,
  id bigint generated always as identity,
  action_id text not null,
  space_id text not null,
  account text not null, -- the AWS account (by role) and Region whose IVS quotas the call uses
  operation text not null check (operation in ('DisconnectParticipant', 'DisconnectUser', 'DeleteMessage', 'SendEvent')),
  arn text not null,
  target text not null,
  grant_id text,
  parameters jsonb not null default '{}',
  follow_up boolean not null default false, -- the second DisconnectUser, made after the last unused chat token has expired
  state text not null default 'pending' check (state in ('pending', 'done', 'not_connected', 'expired', 'stuck')),
  priority smallint not null default 1, -- 0 publishers, 1 other connections, 2 the rest
  attempts integer not null default 0,
  last_error text,
  next_at timestamptz(3) not null default now(),
  leased_until timestamptz(3) not null default 'epoch',
  needed_until timestamptz(3) not null, -- the call is not made after this; for a ban it is not later than the end of the ban
  done_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, action_id) references actions (tenant_id, id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id),
  foreign key (tenant_id, grant_id) references grants (tenant_id, id)
);
create index deliveries_of_action on deliveries (tenant_id, action_id);
create index deliveries_due on deliveries (next_at) where state in ('pending', 'stuck');
create index deliveries_needed on deliveries (needed_until) where state in ('pending', 'stuck');
create index deliveries_open_of_grant on deliveries (tenant_id, grant_id) where state in ('pending', 'stuck');
create index deliveries_of_participant on deliveries (tenant_id, space_id, target) where operation = 'DisconnectParticipant';
create index deliveries_in_turn on deliveries (tenant_id, account, operation, priority, next_at, id)
  where state in ('pending', 'stuck');

-- A hold means that an action is against a grant, and that somebody may be connected with it or may still connect. Several
-- actions can hold one grant. Undoing an action ends only its own holds. The hold of a stage grant ends when a look at the
-- stage, made after the grant has expired, does not find its participant. A hold repeats columns of the grant, so that a
-- look reads only this table.
create table holds (
  tenant_id text not null,
  grant_id text not null,
  action_id text not null,
  space_id text not null,
  -- gone: nobody may be connected with the grant. banned: its user may not be connected with any other token either.
  -- demoted: the participant stays connected if they exchange the token for a lesser one.
  watch_for text not null check (watch_for in ('gone', 'banned', 'demoted')),
  watch_from timestamptz(3) not null,
  until timestamptz(3), -- the end of the ban that the hold is for
  kind text not null check (kind in ('stage', 'chat')),
  ivs_user_id text not null,
  participant_id text,
  expires_at timestamptz(3) not null,
  primary key (tenant_id, grant_id, action_id),
  foreign key (tenant_id, grant_id) references grants (tenant_id, id),
  foreign key (tenant_id, action_id) references actions (tenant_id, id)
);
create index holds_of_action on holds (tenant_id, action_id);
create index holds_of_space on holds (tenant_id, space_id);

-- Grants that an action against many grants has not treated yet. The moderator waits for the first part only.
create table unfinished_actions (
  tenant_id text not null,
  action_id text not null,
  grants text[] not null, -- in the order in which they are treated
  keep_out boolean not null,
  watch_for text not null,
  watch_from timestamptz(3) not null,
  primary key (tenant_id, action_id, watch_for),
  foreign key (tenant_id, action_id) references actions (tenant_id, id)
);

-- One row for each space whose stage is watched, with the time of the next look and the end of the lease of a replica.
create table watches (
  tenant_id text not null,
  space_id text not null,
  next_at timestamptz(3) not null default now(),
  leased_until timestamptz(3) not null default 'epoch',
  primary key (tenant_id, space_id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id)
);
create index watches_due on watches (next_at);

-- A token bucket for each account and operation, shared by all replicas: the number of calls that the rate allows now.
create table pacing (
  account text not null,
  operation text not null,
  allowance double precision not null,
  at timestamptz not null,
  primary key (account, operation)
);

-- ------------------------------------------------------------------------------------------------------- isolation --

do $$
declare t text;
begin
  foreach t in array array['actions', 'deliveries', 'holds', 'unfinished_actions', 'watches'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true)', t);
  end loop;
end $$;
grant select, insert, update, delete on actions, deliveries, holds, unfinished_actions, watches to stagedoor_app;

grant select, insert, update on pacing to stagedoor_crossing;
grant select on actions, bans, holds, unfinished_actions to stagedoor_crossing;
grant select, update on deliveries to stagedoor_crossing;
grant select, update on watches to stagedoor_crossing;
create policy crossing on bans for select to stagedoor_crossing using (true);
