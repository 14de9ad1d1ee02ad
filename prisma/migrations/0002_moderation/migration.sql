-- Moderation: what was done against whom, its delivery to IVS, and the watch that is kept until it has come true.

-- ---------------------------------------------------------------------------------------------------------- tables --

-- One act of a moderator.
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
  requested_at timestamptz(3) not null, -- when the request came in, by the database's clock
  silenced_at timestamptz(3),           -- when the last connection it is about was gone
  held_until timestamptz(3),            -- no call of it begins before: it is about to be undone
  primary key (tenant_id, id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id),
  foreign key (tenant_id, ban_id) references bans (tenant_id, id)
);
create index actions_of_space on actions (tenant_id, space_id, id);
create index actions_of_ban on actions (tenant_id, ban_id) where ban_id is not null;
create index role_changes_of_user on actions (tenant_id, user_id, space_id) where kind = 'role.change';

-- One call to IVS that an action needs. Delivered by whoever takes the lease; repeated until it holds.
--   pending        to be called (again)          done           IVS has confirmed it
--   not_connected  IVS knows nobody like that    expired        no longer needed: too late to matter, or lifted
--   stuck          IVS refuses the service; it is tried again all the same, and somebody has to look
create table targets (
  tenant_id text not null,
  id bigint generated always as identity,
  action_id text not null,
  space_id text not null,
  account text not null, -- whose IVS quotas the call counts against: AWS account (by role) and Region
  operation text not null check (operation in ('DisconnectParticipant', 'DisconnectUser', 'DeleteMessage', 'SendEvent')),
  arn text not null,
  target text not null,
  grant_id text,
  parameters jsonb not null default '{}',
  follow_up boolean not null default false, -- repeats what was done, once an unused chat token can no longer connect
  state text not null default 'pending' check (state in ('pending', 'done', 'not_connected', 'expired', 'stuck')),
  priority smallint not null default 1, -- 0 publishers, 1 other connections, 2 the rest
  attempts integer not null default 0,
  last_error text,
  next_at timestamptz(3) not null default now(),
  leased_until timestamptz(3) not null default 'epoch',
  needed_until timestamptz(3) not null, -- the end of the ban at the latest
  done_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, action_id) references actions (tenant_id, id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id),
  foreign key (tenant_id, grant_id) references grants (tenant_id, id)
);
create index targets_of_action on targets (tenant_id, action_id);
create index targets_due on targets (next_at) where state in ('pending', 'stuck');
create index targets_needed on targets (needed_until) where state in ('pending', 'stuck');
create index targets_open_of_grant on targets (tenant_id, grant_id) where state in ('pending', 'stuck');
create index targets_of_participant on targets (tenant_id, space_id, target) where operation = 'DisconnectParticipant';
create index targets_in_turn on targets (tenant_id, account, operation, priority, next_at, id)
  where state in ('pending', 'stuck');

-- What is held against grants that may still be used, or whose holder may still be inside, and by which action. Several
-- may hold one grant; undoing one lets go of what is its own, and of nothing else. Stage grants are looked for among the
-- participants until a look after their expiry has not found them; what a look needs to know of the grant, and never changes,
-- is kept here with it: bans of people on a stage wait while it is looked at.
create table holds (
  tenant_id text not null,
  grant_id text not null,
  action_id text not null,
  space_id text not null,
  -- 'gone' (nobody may be connected with it), 'banned' (nor its user in any other way), or 'demoted' (who has exchanged it for
  -- less may stay).
  watch_for text not null check (watch_for in ('gone', 'banned', 'demoted')),
  watch_from timestamptz(3) not null,
  until timestamptz(3), -- the end of the ban it is for
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

-- What an act against very many grants has still to write down: a moderator waits for its first part, the rest follows.
create table unfinished_acts (
  tenant_id text not null,
  action_id text not null,
  grants text[] not null, -- in the order they are to be acted on
  keep_out boolean not null,
  watch_for text not null,
  watch_from timestamptz(3) not null,
  primary key (tenant_id, action_id, watch_for),
  foreign key (tenant_id, action_id) references actions (tenant_id, id)
);

-- One row for each space with watched stage grants: when to look at its stage again, and who is looking.
create table watches (
  tenant_id text not null,
  space_id text not null,
  next_at timestamptz(3) not null default now(),
  leased_until timestamptz(3) not null default 'epoch',
  primary key (tenant_id, space_id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id)
);
create index watches_due on watches (next_at);

-- How much of IVS's call rates is left, for each account and operation: a token bucket all replicas share.
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
  foreach t in array array['actions', 'targets', 'holds', 'unfinished_acts', 'watches'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select current_tenant_id()))
                      with check (tenant_id = (select current_tenant_id()))', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true)', t);
  end loop;
end $$;
grant select, insert, update, delete on actions, targets, holds, unfinished_acts, watches to stagedoor_app;

grant create on schema public to stagedoor_crossing; -- until the end of this file
grant select, insert, update on pacing to stagedoor_crossing;
grant select on actions, bans, holds, unfinished_acts to stagedoor_crossing;
grant select, update on targets to stagedoor_crossing;
grant select, update on watches to stagedoor_crossing;
create policy crossing on bans for select to stagedoor_crossing using (true);

-- ---------------------------------------------------------------------------------------------------------- acting --

-- The role a user has in a space without a JWT at hand: the highest rank of his member row and of the grants that could
-- still matter, without those from before a change of his role. Null space: in any space.
create function rank_of(p_tenant text, p_space text, p_user text) returns integer
  language sql stable as $$
  select coalesce(max(r.rank), -1) from roles r
   where r.tenant_id = p_tenant and (
         exists (select from members m where m.tenant_id = p_tenant and m.user_id = p_user and m.role = r.name
                    and (p_space is null or m.space_id = p_space))
      or exists (select from grants g where g.tenant_id = p_tenant and g.user_id = p_user and g.role = r.name
                    and (p_space is null or g.space_id = p_space) and g.state in ('released', 'watched')
                    and g.session_expires_at > now() - interval '24 hours'
                    and not exists (select from actions a
                                     where a.tenant_id = p_tenant and a.user_id = p_user and a.space_id = g.space_id
                                       and a.kind = 'role.change' and a.created_at > g.issued_at)))
$$;

-- When the ban ends by itself that an action is about; null if it does not, or is about none.
create function ban_end(p_tenant text, p_action text) returns timestamptz
  language sql stable as $$
  select b.expires_at from actions a join bans b on b.tenant_id = a.tenant_id and b.id = a.ban_id
   where a.tenant_id = p_tenant and a.id = p_action
$$;

create function may_be_inside(g grants) returns boolean
  language sql immutable return g.state in ('released', 'watched') or (g.state = 'revoked' and g.mint = 'key-pair');

-- Turns grants into calls to IVS, in the transaction that decides the act; of more than a thousand, the first thousand, and
-- the rest in steps of go_on_acting.
--   p_keep_out   what was not used yet must not be used: watch the stage, and disconnect from chat once more when the last
--                unused chat token can no longer connect
--   p_watch_for  'gone', 'banned', or 'demoted': then stage participants are not disconnected now, only if they keep, or take up
--                again, what they were to exchange for less
--   p_grace      how long they have to do so
create function act_on_grants(p_tenant text, p_action text, p_grants text[], p_keep_out boolean, p_watch_for text,
                              p_grace interval)
  returns void
  language plpgsql as $$
declare
  v_at_once constant integer := 1000;
  v_grants grants[];
begin
  if cardinality(p_grants) > v_at_once then
    insert into unfinished_acts (tenant_id, action_id, grants, keep_out, watch_for, watch_from)
    values (p_tenant, p_action, p_grants[v_at_once + 1:], p_keep_out, p_watch_for, clock_timestamp() + p_grace);
    p_grants := p_grants[:v_at_once];
  end if;
  v_grants := by_ids(p_tenant, p_grants);
  perform watch_soon(p_tenant, spaces_to_watch(v_grants, p_keep_out));
  -- Who gives one of these back waits, and then sees that it is held.
  perform from grants where tenant_id = p_tenant and id = any (p_grants) order by id for no key update;

  -- Stage: whoever has an unexpired token, and whoever came last with one that has expired since: he may be inside still. Of
  -- somebody who has hoarded tokens, the newest: five calls a second are for everybody, and the watch finds him as well.
  if p_watch_for <> 'demoted' then
    insert into targets (tenant_id, action_id, space_id, account, operation, arn, target, grant_id, priority, parameters,
                         needed_until)
    select p_tenant, p_action, g.space_id, account_key(t), 'DisconnectParticipant', s.stage_arn, g.participant_id, g.id,
           case when 'PUBLISH' = any (g.capabilities) then 0 else 1 end,
           jsonb_strip_nulls(jsonb_build_object('reason', left(a.reason, 128))),
           least(g.expires_at + interval '24 hours', ban_end(p_tenant, p_action))
      from of_participants(v_grants) g
      join spaces s on s.tenant_id = p_tenant and s.id = g.space_id and s.stage_arn is not null
      join tenants t on t.id = p_tenant
      join actions a on a.tenant_id = p_tenant and a.id = p_action
     where g.nth = 1 or (g.expires_at > now() and (g.nth <= 25 or not p_keep_out))
     order by g.issued_at desc;
  end if;

  -- Chat: by user, so one call a room.
  insert into targets (tenant_id, action_id, space_id, account, operation, arn, target, grant_id, parameters, needed_until)
  select p_tenant, p_action, g.space_id, account_key(t), 'DisconnectUser', s.room_arn, g.ivs_user_id, max(g.id),
         jsonb_strip_nulls(jsonb_build_object('reason', left(max(a.reason), 256), 'userId', max(g.user_id))),
         least(max(g.session_expires_at) + interval '5 minutes', ban_end(p_tenant, p_action))
    from unnest(v_grants) g
    join spaces s on s.tenant_id = p_tenant and s.id = g.space_id and s.room_arn is not null
    join tenants t on t.id = p_tenant
    join actions a on a.tenant_id = p_tenant and a.id = p_action
   where g.kind = 'chat' and g.session_expires_at > now()
   group by g.space_id, t, s.room_arn, g.ivs_user_id;

  if not p_keep_out then
    -- He may be inside with an older token than his last, which has expired: one look tells.
    insert into holds (tenant_id, grant_id, action_id, space_id, watch_for, watch_from, until, kind, ivs_user_id,
                       participant_id, expires_at)
    select p_tenant, g.id, p_action, g.space_id, 'gone', clock_timestamp(), ban_end(p_tenant, p_action), 'stage', g.ivs_user_id,
           g.participant_id, g.expires_at
      from of_participants(v_grants) g
     where g.expires_at <= now() and g.nth > 1;
    return;
  end if;

  insert into targets (tenant_id, action_id, space_id, account, operation, arn, target, grant_id, parameters, needed_until,
                       follow_up, next_at, priority)
  select p_tenant, p_action, g.space_id, account_key(t), 'DisconnectUser', s.room_arn, g.ivs_user_id, max(g.id),
         jsonb_strip_nulls(jsonb_build_object('reason', left(max(a.reason), 256), 'userId', max(g.user_id))),
         least(max(g.session_expires_at) + interval '5 minutes', ban_end(p_tenant, p_action)), true, max(g.expires_at) + interval '5 seconds', 2
    from unnest(v_grants) g
    join spaces s on s.tenant_id = p_tenant and s.id = g.space_id and s.room_arn is not null
    join tenants t on t.id = p_tenant
    join actions a on a.tenant_id = p_tenant and a.id = p_action
   where g.kind = 'chat' and g.expires_at > now()
   group by g.space_id, t, s.room_arn, g.ivs_user_id;

  insert into holds (tenant_id, grant_id, action_id, space_id, watch_for, watch_from, until, kind, ivs_user_id,
                     participant_id, expires_at)
  select p_tenant, id, p_action, space_id, p_watch_for, clock_timestamp() + p_grace, ban_end(p_tenant, p_action), kind,
         ivs_user_id, participant_id, expires_at
    from unnest(v_grants)
   where kind = 'stage' or session_expires_at > now();
  update grants set state = 'watched'
   where tenant_id = p_tenant and id = any (p_grants) and state = 'released'
     and (kind = 'stage' or session_expires_at > now());
end $$;

-- What is locked to begin a call of an act (shared), or to undo it.
create function calls_key(p_tenant text, p_action text) returns bigint
  language sql immutable return hashtextextended(p_tenant || E'\n' || p_action || E'\ncalls', 0);

-- Looked up one by one, by a plan that is not kept: of one made when the table was small, none must walk through all of a
-- tenant's for some.
create function by_ids(p_tenant text, p_ids text[]) returns grants[]
  language sql stable set plan_cache_mode = force_custom_plan as $$
  select array(select one.g from unnest(p_ids) with ordinality as u (id, nth)
                cross join lateral (select g from grants g where g.tenant_id = p_tenant and g.id = u.id offset 0) as one
                order by u.nth)
$$;

-- The stage grants among these, each with its place among all that its user has for the space, as far as the first few: 1 is
-- the newest.
create function of_participants(p_grants grants[])
  returns table (id text, space_id text, participant_id text, ivs_user_id text, capabilities text[], issued_at timestamptz,
                 expires_at timestamptz, nth bigint)
  language sql stable set plan_cache_mode = force_custom_plan as $$
  select g.id, g.space_id, g.participant_id, g.ivs_user_id, g.capabilities, g.issued_at, g.expires_at, newer.count + 1
    from unnest(p_grants) as g
   cross join lateral (
         select count(*) from (
           select from grants n
            where n.tenant_id = g.tenant_id and n.user_id = g.user_id and n.kind = 'stage' and n.issued_at > g.issued_at
              and n.space_id || '' = g.space_id -- by the index on users, not by the one on spaces
              and n.participant_id is not null and may_be_inside(n)
            limit 25) as few) as newer
   where g.kind = 'stage' and g.participant_id is not null
$$;

create function spaces_to_watch(p_grants grants[], p_keep_out boolean) returns text[]
  language sql stable as $$
  select array(select distinct space_id from unnest(p_grants)
                where kind = 'stage' and (p_keep_out or expires_at <= now()))
$$;

-- The next step of an act that is not all written down. Nothing if it was undone, or is all written down.
create function go_on_acting(p_tenant text, p_action text) returns void
  language plpgsql as $$
declare
  v_rest unfinished_acts;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  select * into v_rest from unfinished_acts where tenant_id = p_tenant and action_id = p_action limit 1;
  -- Who undoes the act takes the watches first, too, and then its calls.
  perform watch_soon(p_tenant, spaces_to_watch(by_ids(p_tenant, v_rest.grants[:1000]), v_rest.keep_out));
  perform pg_advisory_xact_lock_shared(calls_key(p_tenant, p_action));
  delete from unfinished_acts
   where tenant_id = p_tenant and action_id = p_action and watch_for = v_rest.watch_for and grants = v_rest.grants;
  if not found then return; end if;
  perform act_on_grants(p_tenant, p_action, v_rest.grants, v_rest.keep_out, v_rest.watch_for,
                        greatest(v_rest.watch_from - clock_timestamp(), interval '0'));
  perform from actions where tenant_id = p_tenant and id = p_action for no key update;
  if nothing_is_open(p_tenant, p_action) then
    update actions set silenced_at = clock_timestamp() where tenant_id = p_tenant and id = p_action;
  end if;
end $$;

-- Acts that are not all written down.
create function acts_to_go_on_with(p_limit integer) returns table (tenant_id text, action_id text)
  language sql stable security definer set search_path = public, pg_temp as $$
  select tenant_id, action_id from unfinished_acts limit p_limit
$$;

-- Whether an act has silenced everybody it is about.
create function nothing_is_open(p_tenant text, p_action text) returns boolean
  language sql stable as $$
  select not exists (select from targets where tenant_id = p_tenant and action_id = p_action
                        and state in ('pending', 'stuck') and not follow_up)
     and not exists (select from unfinished_acts where tenant_id = p_tenant and action_id = p_action)
$$;

-- Has stages looked at, and holds their watches until the transaction ends. Whoever changes what is to be looked for on a
-- stage does this first: a look is claimed either before, and then must not be the last, or sees all of the change.
create function watch_soon(p_tenant text, p_spaces text[]) returns void
  language sql as $$
  insert into watches (tenant_id, space_id, next_at)
  select p_tenant, space_id, clock_timestamp() from unnest(p_spaces) as space_id
   order by space_id -- in one order, so that two never wait for one another
  on conflict (tenant_id, space_id) do update set next_at = clock_timestamp()
$$;

create function account_key(t tenants) returns text
  language sql immutable return coalesce(t.aws_role_arn, 'own') || ' ' || t.region;

-- What of a user's could matter to somebody who wants him out: unexpired, or used to go in within the 24 hours that IVS
-- lets a participant stay. What a deleted signing key signed opens no door, but who had come in with it stays. The newest of
-- each space first, and stage before chat.
create function grants_to_act_on(p_tenant text, p_user text, p_space text, p_before timestamptz default 'infinity')
  returns text[]
  language sql stable as $$
  select coalesce(array_agg(id order by nth, kind desc, issued_at desc), '{}')
    from (select id, kind, issued_at, row_number() over (partition by space_id, kind order by issued_at desc) as nth from grants
           where tenant_id = p_tenant and user_id = p_user and (p_space is null or space_id = p_space)
             and may_be_inside(grants) and issued_at > now() - interval '15 days' and issued_at < p_before
             and (session_expires_at > now() or (kind = 'stage' and expires_at > now() - interval '24 hours'))) as g
$$;

-- Writes an act down. p_elapsed: seconds since the request for it came in.
create function record_action(p_tenant text, p_id text, p_kind text, p_space text, p_user text, p_ban text, p_reason text,
                              p_caller jsonb, p_elapsed double precision) returns void
  language sql as $$
  insert into actions (tenant_id, id, kind, space_id, user_id, ban_id, reason, requested_by, requested_at)
  values (p_tenant, p_id, p_kind, p_space, p_user, p_ban, p_reason, p_caller,
          clock_timestamp() - make_interval(secs => p_elapsed))
$$;

-- Bans a user: the refusal from now on, the act, and the calls and the watch that it takes. Answers when the ban was made,
-- and for how many seconds a token that was looked at before it may still be on its way; or why nothing was written. In one
-- call, as a moderator waits for it and the user's vends wait behind it.
create function ban_user(p_tenant text, p_ban text, p_action text, p_space text, p_user text, p_reason text,
                         p_expires timestamptz, p_caller jsonb, p_elapsed double precision)
  returns table (refused text, created_at timestamptz, wait_seconds double precision)
  language plpgsql as $$
declare
  v_now timestamptz(3);
  v_grants text[];
begin
  if p_space is not null and not exists (
    select from spaces where tenant_id = p_tenant and id = p_space and ready_at is not null and deleted_at is null
  ) then
    return query select 'space_unknown', null::timestamptz, null::double precision;
    return;
  end if;
  -- From here no vend to this user is under way: those before are on record, those after see the ban.
  perform lock_user(p_tenant, p_user, true);
  -- Bans begin and end by the database's clock, whatever those of the replicas say.
  v_now := clock_timestamp();
  if p_expires <= v_now then
    return query select 'over_already', null::timestamptz, null::double precision;
    return;
  end if;
  insert into bans (tenant_id, id, user_id, space_id, reason, created_by, created_at, expires_at)
  values (p_tenant, p_ban, p_user, p_space, p_reason, p_caller, v_now, p_expires);
  perform record_action(p_tenant, p_action, 'ban', p_space, p_user, p_ban, p_reason, p_caller, p_elapsed);
  v_grants := grants_to_act_on(p_tenant, p_user, p_space);
  if cardinality(v_grants) > 0 then
    perform act_on_grants(p_tenant, p_action, v_grants, true, 'banned', interval '0');
  end if;
  return query select null, v_now::timestamptz, seconds_until_all_have_left(p_tenant, p_user, p_space);
end $$;

-- Calls off what an action that was undone still wanted, and gives back what it held against grants: some thousands at a
-- time. Whether that was all.
create function call_off(p_tenant text, p_action text, p_why text) returns boolean
  language plpgsql as $$
declare
  v_at_once constant integer := 3000;
  v_targets bigint[] := array(
    select id from targets where tenant_id = p_tenant and action_id = p_action and state in ('pending', 'stuck')
     limit v_at_once);
  v_holds tid[];
  v_grants text[];
begin
  delete from unfinished_acts where tenant_id = p_tenant and action_id = p_action;
  update targets set state = 'expired', done_at = now(), last_error = p_why
   where tenant_id = p_tenant and id = any (v_targets) and state in ('pending', 'stuck');
  v_holds := array(select ctid from holds where tenant_id = p_tenant and action_id = p_action limit v_at_once);
  with gone as (delete from holds where ctid = any (v_holds) returning grant_id)
  select array_agg(distinct grant_id) into v_grants from gone;
  perform release_unheld(p_tenant, v_grants);
  return cardinality(v_targets) < v_at_once and cardinality(v_holds) < v_at_once;
end $$;

-- Grants that nothing is held against any more are what they were.
create function release_unheld(p_tenant text, p_grants text[]) returns void
  language plpgsql as $$
begin
  -- Who is about to hold one of them comes first, and is seen.
  perform from grants where tenant_id = p_tenant and id = any (p_grants) order by id for no key update;
  update grants g set state = 'released'
   where g.tenant_id = p_tenant and g.id = any (p_grants) and g.state = 'watched'
     and not exists (select from holds h where h.tenant_id = p_tenant and h.grant_id = g.id);
end $$;

-- Keeps calls of actions from beginning, and from being written down, until the transaction ends.
create function lock_calls(p_tenant text, p_actions text[]) returns void
  language sql as $$
  select pg_advisory_xact_lock(key) from (select calls_key(p_tenant, id) as key from unnest(p_actions) as id order by 1) as keys
$$;

-- Whether calls for actions are on their way this moment that would hit somebody; a late event does not. p_call: longest a
-- call takes, counted from its lease.
create function calls_under_way(p_tenant text, p_actions text[], p_lease interval, p_call interval) returns boolean
  language sql stable as $$
  select exists (select from targets
                  where tenant_id = p_tenant and action_id = any (p_actions) and state in ('pending', 'stuck')
                    and operation <> 'SendEvent' and leased_until - p_lease + p_call > clock_timestamp())
$$;

-- The role a caller has in a space, as admit finds it: member row, claim, default.
create function role_in_space(p_tenant text, p_space text, p_user text, p_claimed text) returns roles
  language sql stable as $$
  select r.* from roles r
   where r.tenant_id = p_tenant and r.name = coalesce(
     (select role from members where tenant_id = p_tenant and space_id = p_space and user_id = p_user),
     (select name from roles where tenant_id = p_tenant and name = p_claimed),
     (select default_role from spaces where tenant_id = p_tenant and id = p_space))
$$;

-- Changes of a user's role in a space that still hold something, or still want something of IVS.
create function unfinished_role_changes(p_tenant text, p_space text, p_user text) returns text[]
  language sql stable as $$
  select coalesce(array_agg(a.id), '{}') from actions a
   where a.tenant_id = p_tenant and a.user_id = p_user and a.space_id = p_space and a.kind = 'role.change'
     and (exists (select from holds h where h.tenant_id = p_tenant and h.action_id = a.id)
          or exists (select from unfinished_acts u where u.tenant_id = p_tenant and u.action_id = a.id)
          or exists (select from targets o where o.tenant_id = p_tenant and o.action_id = a.id
                        and o.state in ('pending', 'stuck')))
$$;

create function allows_more(g grants, r roles) returns boolean
  language sql immutable return not coalesce(case g.kind
    when 'stage' then r.stage_ttl_seconds is not null and g.capabilities <@ r.stage_capabilities
    else r.chat_session_minutes is not null and g.capabilities <@ r.chat_capabilities end, false);

-- What a user holds in a space, newest first, and whether it allows more than a role does. Null role: any right is more.
-- What is being made this moment and would allow more is never handed out. Only under lock_user.
create function held_beside_role(p_tenant text, p_space text, p_user text, p_role text)
  returns table (id text, kind text, role text, participant_id text, ivs_user_id text, beyond boolean)
  language plpgsql as $$
#variable_conflict use_column
declare v_role roles;
begin
  select * into v_role from roles where tenant_id = p_tenant and name = p_role;
  update grants g set state = 'refused'
   where g.tenant_id = p_tenant and g.user_id = p_user and g.space_id = p_space and g.state = 'pending'
     and allows_more(g, v_role);
  return query
    select g.id, g.kind, g.role, g.participant_id, g.ivs_user_id, allows_more(g, v_role) from grants g
     where g.tenant_id = p_tenant and g.id = any (grants_to_act_on(p_tenant, p_user, p_space))
     order by g.issued_at desc, g.id desc;
end $$;

-- Writes down a token that a participant of the user's can exchange its own for (IVS: signed by us, with the same id), if one
-- may be given: the checks are those of admit. It is for the newest of those who have more than the role allows, else for the
-- newest. Answers like admit, with "participantId"; or null. Only under lock_user.
create function admit_exchange(p_tenant text, p_space text, p_user text, p_role text, p_grant text) returns jsonb
  language plpgsql as $$
declare
  v_tenant tenants;
  v_space spaces;
  v_role roles;
  v_key signing_keys;
  v_old grants;
  v_now timestamptz := date_trunc('milliseconds', now());
begin
  select * into v_tenant from tenants where id = p_tenant and status = 'active';
  select * into v_space from spaces
   where tenant_id = p_tenant and id = p_space and status = 'open' and stage_arn is not null;
  select * into v_role from roles where tenant_id = p_tenant and name = p_role and stage_ttl_seconds is not null;
  select * into v_key from signing_keys where tenant_id = p_tenant and state = 'active';
  select * into v_old from grants g
   where tenant_id = p_tenant and user_id = p_user and space_id = p_space and kind = 'stage' and mint = 'key-pair'
     and state = 'released' and id = any (grants_to_act_on(p_tenant, p_user, p_space))
   order by allows_more(g, v_role) desc, issued_at desc, id desc limit 1;
  if v_tenant.id is null or v_space.id is null or v_role.name is null or v_key.id is null or v_old.id is null
     or (v_space.frozen_at is not null and not v_role.moderator)
     or (ban_in_force(p_tenant, p_user, p_space)).id is not null then
    return null;
  end if;
  insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at, expires_at,
                      session_expires_at, state, mint, participant_id, signing_key_id)
  values (p_tenant, p_grant, p_space, p_user, v_old.ivs_user_id, 'stage', p_role, v_role.stage_capabilities, v_now,
          v_now + make_interval(secs => v_role.stage_ttl_seconds),
          v_now + make_interval(secs => v_role.stage_ttl_seconds),
          'released', 'key-pair', v_old.participant_id, v_key.id);
  return jsonb_build_object(
    'participantId', v_old.participant_id,
    'ivsUserId', v_old.ivs_user_id,
    'tenant', jsonb_build_object('id', v_tenant.id, 'region', v_tenant.region, 'awsRoleArn', v_tenant.aws_role_arn,
      'awsExternalId', v_tenant.aws_external_id),
    'space', jsonb_build_object('id', v_space.id, 'name', v_space.name),
    'role', jsonb_build_object('name', p_role, 'attributes', v_role.attributes),
    'issuedAt', v_now,
    'used', 0,
    'stage', jsonb_build_object(
      'arn', v_space.stage_arn, 'endpoints', v_space.stage_endpoints, 'endpointsAt', v_space.stage_endpoints_at,
      'capabilities', v_role.stage_capabilities, 'ttlSeconds', v_role.stage_ttl_seconds),
    'chat', null,
    'signingKey', jsonb_build_object(
      'id', v_key.id, 'arn', v_key.arn, 'state', v_key.state, 'privateKey', encode(v_key.private_key, 'base64')));
end $$;

-- What keeps a space from being quiet: unexpired grants to publish or to send, of roles that do not moderate. The newest of
-- each user first, and stage before chat.
create function loud_grants(p_tenant text, p_space text) returns text[]
  language sql stable as $$
  select coalesce(array_agg(id order by nth, kind desc, issued_at desc), '{}')
    from (select g.id, g.kind, g.issued_at, row_number() over (partition by g.user_id, g.kind order by g.issued_at desc) as nth
            from grants g left join roles r on r.tenant_id = g.tenant_id and r.name = g.role
           where g.tenant_id = p_tenant and g.space_id = p_space and may_be_inside(g)
             and not coalesce(r.moderator, false) and g.capabilities && array['PUBLISH', 'SEND_MESSAGE']
             and g.issued_at > now() - interval '15 days'
             and (g.session_expires_at > now() or (g.kind = 'stage' and g.expires_at > now() - interval '24 hours'))) as loud
$$;

-- -------------------------------------------------------------------------------------------------------- delivery --

-- How many calls of an operation may be made now; takes them: p_wanted at most, p_least or none, and so many left over
-- as p_leave says.
create function take_allowance(p_account text, p_operation text, p_wanted integer, p_least integer, p_leave integer,
                               p_rate double precision, p_burst double precision) returns integer
  language plpgsql as $$
declare
  v_allowance double precision;
  v_taken integer;
begin
  -- Nearly everybody who asks while the rate is used up need not wait for those who ask before him.
  if exists (select from pacing where account = p_account and operation = p_operation
                and allowance + p_rate * extract(epoch from clock_timestamp() - at) < p_least + p_leave) then
    return 0;
  end if;
  loop
    select least(p_burst, allowance + p_rate * extract(epoch from clock_timestamp() - at)) into v_allowance
      from pacing where account = p_account and operation = p_operation for update;
    exit when found;
    insert into pacing (account, operation, allowance, at) values (p_account, p_operation, p_burst, clock_timestamp())
    on conflict do nothing;
  end loop;
  v_taken := least(p_wanted, floor(v_allowance)::integer - p_leave);
  if v_taken < p_least then return 0; end if;
  update pacing set allowance = v_allowance - v_taken, at = clock_timestamp()
   where account = p_account and operation = p_operation;
  return v_taken;
end $$;

-- Leases calls that are due to whoever asks: of one action, or of all. Fair between tenants, publishers first, and no more
-- than IVS's rates allow all replicas together. p_rates: { operation: { "rate", "burst" } }. A call that is no longer
-- needed, as of a ban that has run out, is closed instead. Who asks for one action's calls leaves enough for everybody else's
-- that are due.
create function claim_targets(p_tenant text, p_action text, p_limit integer, p_lease interval, p_rates jsonb)
  returns table (tenant_id text, id bigint, action_id text, operation text, arn text, target text, parameters jsonb,
                 attempts integer, region text, aws_role_arn text, aws_external_id text)
  language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  v_group record;
  v_allowed integer;
  v_others integer := 0;
  v_now timestamptz := clock_timestamp(); -- read once: what is read anew for each row cannot be looked up in an index
begin
  update targets t set state = 'expired', done_at = now()
   where t.state in ('pending', 'stuck') and t.leased_until < v_now and t.needed_until < v_now;
  for v_group in
    select t.account, t.operation, count(*) as due from targets t
     where t.state in ('pending', 'stuck') and t.next_at <= v_now and t.leased_until < v_now
       and (p_action is null or (t.tenant_id = p_tenant and t.action_id = p_action))
     group by t.account, t.operation
     order by t.account, t.operation -- in one order, so that two never wait for one another
  loop
    if p_action is not null then
      select count(*) into v_others
        from (select from targets t
               where t.account = v_group.account and t.operation = v_group.operation and t.state in ('pending', 'stuck')
                 and t.next_at <= v_now and t.leased_until < v_now
                 and (t.tenant_id <> p_tenant or t.action_id <> p_action)
               limit 100) as others;
    end if;
    v_allowed := take_allowance(v_group.account, v_group.operation, least(v_group.due, p_limit)::integer, 1, v_others,
      (p_rates -> v_group.operation ->> 'rate')::double precision,
      (p_rates -> v_group.operation ->> 'burst')::double precision);
    continue when v_allowed <= 0;
    return query
      with waiting as materialized (
        select distinct t.tenant_id from targets t
         where t.account = v_group.account and t.operation = v_group.operation and t.state in ('pending', 'stuck')
           and t.next_at <= v_now and t.leased_until < v_now
           and (p_action is null or (t.tenant_id = p_tenant and t.action_id = p_action))
      ), ranked as materialized (
        select w.tenant_id, first.id, first.priority, first.next_at,
               row_number() over (partition by w.tenant_id order by first.priority, first.next_at, first.id) as turn
          from waiting w cross join lateral (
            select t.id, t.priority, t.next_at from targets t
             where t.tenant_id = w.tenant_id and t.account = v_group.account and t.operation = v_group.operation
               and t.state in ('pending', 'stuck') and t.next_at <= v_now
               and t.leased_until < v_now and (p_action is null or t.action_id = p_action)
               and not exists (select from actions a
                                where a.tenant_id = t.tenant_id and a.id = t.action_id and a.held_until > v_now)
             order by t.priority, t.next_at, t.id limit v_allowed) as first
      ), chosen as (
        select t.tenant_id, t.id, t.action_id from targets t join ranked r on r.tenant_id = t.tenant_id and r.id = t.id
         where t.leased_until < v_now and t.state in ('pending', 'stuck')
         order by r.turn, r.priority, r.next_at limit v_allowed
           for update of t skip locked
      ), leased as (
        update targets t set leased_until = clock_timestamp() + p_lease, attempts = t.attempts + 1
          from chosen c
         where t.tenant_id = c.tenant_id and t.id = c.id
           and pg_try_advisory_xact_lock_shared(calls_key(c.tenant_id, c.action_id)) -- else it is being undone
        returning t.*
      )
      select l.tenant_id, l.id, l.action_id, l.operation, l.arn, l.target, l.parameters, l.attempts,
             n.region, n.aws_role_arn, n.aws_external_id
        from leased l join tenants n on n.id = l.tenant_id;
  end loop;
end $$;

-- Notes how a call went, unless somebody else has taken it over meanwhile. p_retry_seconds: when to try again, for a call
-- that is to be repeated. Answers a row if this call was the last that the action took to silence everybody: the action's
-- kind, and the seconds since it was asked for.
create function finish_target(p_tenant text, p_id bigint, p_attempt integer, p_state text, p_error text,
                              p_retry_seconds double precision)
  returns table (kind text, silenced_seconds double precision)
  language plpgsql as $$
#variable_conflict use_column
declare
  v_target targets;
  v_action actions;
  v_grants text[];
begin
  perform set_config('app.tenant_id', p_tenant, true);
  update targets
     set state = p_state, last_error = p_error, leased_until = 'epoch',
         next_at = case when p_retry_seconds is null then next_at
                        else clock_timestamp() + make_interval(secs => p_retry_seconds) end,
         done_at = case when p_retry_seconds is null then clock_timestamp() end
   where tenant_id = p_tenant and id = p_id and attempts = p_attempt and state in ('pending', 'stuck')
   returning * into v_target;
  if not found or p_retry_seconds is not null then return; end if;

  if p_state = 'done' and v_target.operation = 'DisconnectParticipant' then
    -- Only of ids that IVS gave out is it known that a disconnected one is not let in again.
    update grants set state = 'revoked'
     where tenant_id = p_tenant and id = v_target.grant_id and mint = 'ivs' and state in ('released', 'watched');
  elsif v_target.operation = 'DisconnectUser' and p_state in ('done', 'not_connected') then
    -- A chat token works once: too late to connect with it, and disconnected, it opens nothing any more, whoever asked.
    v_grants := array(
      select id from grants
       where tenant_id = p_tenant and user_id = v_target.parameters ->> 'userId' and kind = 'chat'
         and space_id = v_target.space_id and ivs_user_id = v_target.target and state = 'watched'
         and expires_at < clock_timestamp());
    v_grants := array(
      select grant_id from holds
       where tenant_id = p_tenant and grant_id = any (v_grants) and action_id = v_target.action_id);
    update grants set state = 'revoked' where tenant_id = p_tenant and id = any (v_grants);
    delete from holds where tenant_id = p_tenant and grant_id = any (v_grants);
  end if;

  select * into v_action from actions where tenant_id = p_tenant and id = v_target.action_id for no key update;
  if not nothing_is_open(p_tenant, v_action.id) then return; end if;
  if v_target.follow_up then return; end if;
  update actions set silenced_at = clock_timestamp() where tenant_id = p_tenant and id = v_action.id;
  if v_action.silenced_at is null then
    return query select v_action.kind, extract(epoch from clock_timestamp() - v_action.requested_at)::double precision;
  end if;
end $$;

-- ----------------------------------------------------------------------------------------------------------- watch --

-- Leases stages that are due for a look, with what to look for: up to p_by_name users are asked for by name, at a
-- ListParticipants each; of more, users is null, and everybody who is connected is listed. Fair between accounts, and in one
-- between tenants.
-- "demoted" names those of whom it is to be seen what they do now, if they are connected: [{ "participantId", "since",
-- "allowed" }], longest waiting first.
create function claim_watches(p_limit integer, p_lease interval, p_by_name integer, p_rate double precision,
                              p_burst double precision)
  returns table (tenant_id text, space_id text, stage_arn text, users text[], demoted jsonb, region text,
                 aws_role_arn text, aws_external_id text, looked_at timestamptz)
  language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  v_due record;
  v_users text[];
  v_by_name boolean;
  v_spent text[] := '{}'; -- accounts that have to wait: what comes in is for whoever is first in turn there
begin
  for v_due in
    select w.tenant_id, w.space_id, due.account
      from (select tenant_id, space_id, account, next_at,
                   row_number() over (partition by account order by turn, next_at) as turn
              from (select w.tenant_id, w.space_id, account_key(t) as account, w.next_at,
                           row_number() over (partition by w.tenant_id order by w.next_at) as turn
                      from watches w join tenants t on t.id = w.tenant_id
                     where w.next_at <= clock_timestamp() and w.leased_until < clock_timestamp()) as of_tenants) as due
      join watches w on w.tenant_id = due.tenant_id and w.space_id = due.space_id
     where w.leased_until < clock_timestamp()
     order by due.turn, due.account
     limit p_limit for update of w skip locked
  loop
    continue when v_due.account = any (v_spent);
    select coalesce(array_agg(distinct h.ivs_user_id), '{}') into v_users
      from holds h where h.tenant_id = v_due.tenant_id and h.space_id = v_due.space_id and h.kind = 'stage';
    v_by_name := cardinality(v_users) <= p_by_name;
    if cardinality(v_users) > 0 and take_allowance(v_due.account, 'ListParticipants',
         case when v_by_name then cardinality(v_users) else p_by_name end,
         case when v_by_name then cardinality(v_users) else 1 end, 0, p_rate, p_burst) = 0 then
      v_spent := v_spent || v_due.account;
      continue;
    end if;
    update watches w set leased_until = clock_timestamp() + p_lease
     where w.tenant_id = v_due.tenant_id and w.space_id = v_due.space_id;
    return query
      select v_due.tenant_id, v_due.space_id, s.stage_arn, case when v_by_name then v_users end,
             to_jsonb(array(select due_demotions(v_due.tenant_id, v_due.space_id))),
             t.region, t.aws_role_arn, t.aws_external_id, clock_timestamp()
        from spaces s join tenants t on t.id = s.tenant_id
       where s.tenant_id = v_due.tenant_id and s.id = v_due.space_id;
  end loop;
end $$;

-- The demoted of a space who are to be looked at, longest waiting first: since when, and what they may do now.
create function due_demotions(p_tenant text, p_space text) returns setof jsonb
  language sql stable as $$
  select jsonb_build_object('participantId', h.participant_id, 'since', max(a.created_at),
           'allowed', coalesce(
             (select to_jsonb(n.capabilities) from grants n
               where n.tenant_id = p_tenant and n.participant_id = h.participant_id and n.state = 'released'
               order by n.issued_at desc, n.id desc limit 1), '[]'))
    from holds h
    join actions a on a.tenant_id = p_tenant and a.id = h.action_id
   where h.tenant_id = p_tenant and h.space_id = p_space and h.watch_for = 'demoted' and h.watch_from <= clock_timestamp()
     and h.participant_id is not null
   group by h.participant_id order by min(h.watch_from)
$$;

-- Of how many demoted participants the events may be asked for now: a ListParticipantEvents each. Takes them.
create function allow_event_lookups(p_tenant text, p_wanted integer, p_rate double precision, p_burst double precision)
  returns integer
  language sql security definer set search_path = public, pg_temp as $$
  select take_allowance(account_key(t), 'ListParticipantEvents', p_wanted, 1, 0, p_rate, p_burst)
    from tenants t where t.id = p_tenant
$$;

-- Takes in what a look at a stage has shown: who is connected { participantId: { "userId", "publishing", "beyond"? } } as
-- of p_looked_at. "beyond" is said of the demoted who were looked at: whether they still have, or have again, more than they
-- may. Whoever should be gone is to be disconnected; who can no longer come back is watched no more. Bans of people on this
-- stage wait meanwhile, so everything starts from what is held, and looks the connected up by their key.
create function finish_watch(p_tenant text, p_space text, p_looked_at timestamptz, p_connected jsonb,
                             p_next_seconds double precision) returns integer
  language plpgsql as $$
declare
  v_found integer;
  v_grants text[];
  v_account text;
  v_by_user jsonb; -- { IVS user id: [participant id] }
begin
  perform set_config('app.tenant_id', p_tenant, true);
  -- Whoever changes what is to be looked for waits here, or has done so before. No watch: nothing is looked for any more.
  perform from watches where tenant_id = p_tenant and space_id = p_space for update;
  if not found then return 0; end if;
  select account_key(t) into v_account from tenants t where t.id = p_tenant;
  select jsonb_object_agg(user_id, participant_ids) into v_by_user
    from (select value ->> 'userId' as user_id, jsonb_agg(key) as participant_ids
            from jsonb_each(p_connected) where value ? 'userId' group by 1) as users;

  -- A ban that has run out is no reason any more.
  with gone as (
    delete from holds where tenant_id = p_tenant and space_id = p_space and until <= clock_timestamp() returning grant_id)
  select array_agg(distinct grant_id) into v_grants from gone;
  if v_grants is not null then perform release_unheld(p_tenant, v_grants); end if;

  -- By participant id; of the banned by user too, should one have come in with a token that is not of our making.
  with wanted as (
    select distinct on (c.id) c.id, h.action_id, h.until, case when h.participant_id = c.id then h.grant_id end as grant_id
      from holds h
     cross join lateral (
           select h.participant_id where p_connected ? h.participant_id
            union
           select jsonb_array_elements_text(v_by_user -> h.ivs_user_id) where h.watch_for = 'banned') as c (id)
     where h.tenant_id = p_tenant and h.space_id = p_space and h.kind = 'stage' and h.watch_from < p_looked_at
       and (h.watch_for <> 'demoted' or (p_connected -> c.id ->> 'beyond')::boolean)
     order by c.id, (h.participant_id = c.id) desc, h.action_id)
  insert into targets (tenant_id, action_id, space_id, account, operation, arn, target, grant_id, priority, parameters,
                       needed_until)
  select p_tenant, w.action_id, p_space, v_account, 'DisconnectParticipant', s.stage_arn, w.id, w.grant_id,
         case when (p_connected -> w.id ->> 'publishing')::boolean then 0 else 1 end,
         jsonb_strip_nulls(jsonb_build_object('reason', left(a.reason, 128))),
         least(clock_timestamp() + interval '24 hours', w.until)
    from wanted w
    join actions a on a.tenant_id = p_tenant and a.id = w.action_id
    join spaces s on s.tenant_id = p_tenant and s.id = p_space
   where not exists (select from targets o where o.tenant_id = p_tenant and o.space_id = p_space
                        and o.target = w.id and o.operation = 'DisconnectParticipant'
                        and (o.state in ('pending', 'stuck') or (o.state = 'done' and o.done_at > p_looked_at)));
  get diagnostics v_found = row_count;

  -- Those who wait for a turn and are known to be inside go first.
  update targets set priority = case when (p_connected -> target ->> 'publishing')::boolean then 0
                                     when p_connected ? target then 1 else 2 end
   where tenant_id = p_tenant and id in (
     select id from targets
      where tenant_id = p_tenant and account = v_account and space_id = p_space and state = 'pending'
        and operation = 'DisconnectParticipant'
        and case when p_connected ? target
                 then priority <> case when (p_connected -> target ->> 'publishing')::boolean then 0 else 1 end
                 else priority < 2 and attempts = 0 and next_at < p_looked_at end
      order by p_connected ? target desc limit 1000);

  delete from holds h
   where tenant_id = p_tenant and space_id = p_space and kind = 'stage'
     and expires_at < p_looked_at - interval '5 seconds' and watch_from < p_looked_at
     and not (coalesce(p_connected ? participant_id, false)
              and (watch_for <> 'demoted' or (p_connected -> participant_id ->> 'beyond')::boolean is not false))
     and not exists (select from targets o where o.tenant_id = p_tenant and o.grant_id = h.grant_id
                        and o.state in ('pending', 'stuck'));
  -- Who was looked at waits for his next turn.
  update holds set watch_from = clock_timestamp() + make_interval(secs => p_next_seconds)
   where tenant_id = p_tenant and space_id = p_space and watch_for = 'demoted' and watch_from < p_looked_at
     and p_connected -> participant_id ? 'beyond';

  if exists (select from holds where tenant_id = p_tenant and space_id = p_space and kind = 'stage') then
    update watches set leased_until = 'epoch', next_at = clock_timestamp() + make_interval(secs => p_next_seconds)
     where tenant_id = p_tenant and space_id = p_space;
  else
    delete from watches where tenant_id = p_tenant and space_id = p_space and next_at < p_looked_at;
    update watches set leased_until = 'epoch' where tenant_id = p_tenant and space_id = p_space;
  end if;
  return v_found;
end $$;

-- Calls that IVS refuses the service, for the alarm.
create function stuck_targets() returns bigint
  language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) from targets where state = 'stuck'
$$;

-- Deliveries overdue by more than a little while: the queue is longer than the rates allow, or nobody delivers.
create function overdue_targets() returns bigint
  language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) from targets where state = 'pending' and next_at < now() - interval '10 seconds'
$$;

-- The watchdog's question, of so many bans in the order of their keys: how many grants of users under an active ban nothing is
-- being done about. Answers with the key to go on after; null at the end.
create function bans_without_delivery(p_tenant text, p_ban text, p_limit integer)
  returns table (tenant_id text, ban_id text, grants bigint)
  language sql stable security definer set search_path = public, pg_temp as $$
  with looked_at as materialized (
    select * from bans where (bans.tenant_id, id) > (p_tenant, p_ban) order by bans.tenant_id, id limit p_limit
  ), last as (
    select l.tenant_id, l.id from looked_at l order by l.tenant_id desc, l.id desc
     limit case when (select count(*) from looked_at) < p_limit then 0 else 1 end)
  select (select last.tenant_id from last), (select id from last), count(*)
    from looked_at b
    join grants g on g.tenant_id = b.tenant_id and g.user_id = b.user_id and (b.space_id is null or g.space_id = b.space_id)
    join spaces s on s.tenant_id = g.tenant_id and s.id = g.space_id and s.deleted_at is null
   where b.lifted_at is null and (b.expires_at is null or b.expires_at > now())
     and may_be_inside(g) and g.expires_at > now()
     and not exists (select from holds h join actions a on a.tenant_id = h.tenant_id and a.id = h.action_id
                      where h.tenant_id = g.tenant_id and h.grant_id = g.id and a.ban_id = b.id)
     and not exists (select from unfinished_acts u join actions a on a.tenant_id = u.tenant_id and a.id = u.action_id
                      where u.tenant_id = g.tenant_id and a.ban_id = b.id)
$$;

do $$
declare f text;
begin
  foreach f in array array[
    'claim_targets(text, text, integer, interval, jsonb)', 'acts_to_go_on_with(integer)',
    'claim_watches(integer, interval, integer, double precision, double precision)',
    'allow_event_lookups(text, integer, double precision, double precision)', 'stuck_targets()', 'overdue_targets()', 'bans_without_delivery(text, text, integer)'] loop
    execute format('alter function %s owner to stagedoor_crossing', f);
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to stagedoor_app', f);
  end loop;
end $$;
revoke execute on function take_allowance(text, text, integer, integer, integer, double precision, double precision) from public;
grant execute on function take_allowance(text, text, integer, integer, integer, double precision, double precision) to stagedoor_crossing;
revoke execute on function due_demotions(text, text) from public;
grant execute on function due_demotions(text, text) to stagedoor_crossing;
revoke create on schema public from stagedoor_crossing;
