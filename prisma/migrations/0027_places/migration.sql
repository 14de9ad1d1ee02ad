-- The users who have a place in a space with a capacity are counted as they come and go, so that a newcomer does not count
-- all of them (docs/decisions/0032-places.md). Only spaces with a capacity have rows here.

-- One count for each space with a capacity that somebody asked for.
create table place_counts (
  tenant_id text not null,
  id bigint generated always as identity,
  space_id text not null,
  users integer not null default 0, -- number of rows in places
  space_updated_at timestamptz(3) not null, -- of the space; a later change of the space begins a new count
  begins_at timestamptz(3) not null default now(), -- until then every newcomer counts all users
  is_noted boolean not null default false, -- place_sources is written
  horizon bigint, -- no transaction with an earlier id may be under way when the count is filled
  filled_to timestamptz(3) not null default '-infinity', -- grants whose session ends until then are counted
  is_filled boolean not null default false,
  is_ended boolean not null default false, -- nobody uses it any more; its rows are deleted in steps
  checked_at timestamptz(3) not null default now(), -- by the watchdog
  primary key (tenant_id, id)
);
create unique index place_counts_of_space on place_counts (tenant_id, space_id) where not is_ended;
create index place_counts_to_check on place_counts (checked_at);

-- The spaces whose grants count: that of the count, and deleted ones that had adopted its stage or room before.
create table place_sources (
  tenant_id text not null,
  space_id text not null,
  count_id bigint not null,
  primary key (tenant_id, space_id, count_id),
  foreign key (tenant_id, count_id) references place_counts (tenant_id, id) on delete cascade
);
create index place_sources_of_count on place_sources (tenant_id, count_id);

-- One row for each user of a count.
create table places (
  tenant_id text not null,
  count_id bigint not null,
  user_id text not null,
  until timestamptz(3) not null, -- the latest end of their sessions
  primary key (tenant_id, user_id, count_id)
);
create index places_by_end on places (tenant_id, count_id, until);

-- Users whose grants have changed since they were counted. A row is written in the transaction of the change, and is deleted
-- by who counts the user anew.
create table place_notes (
  tenant_id text not null,
  count_id bigint not null,
  id bigint generated always as identity,
  user_id text, -- null: the release before has changed grants of the tenant, so all are counted anew
  primary key (tenant_id, count_id, id)
);
create index place_notes_of_all on place_notes (tenant_id, count_id) where user_id is null;

do $$
declare t text;
begin
  foreach t in array array['place_counts', 'place_sources', 'places', 'place_notes'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
    execute format('create policy crossing on %I to stagedoor_crossing using (true) with check (true)', t);
    execute format('grant select, insert, update, delete on %I to stagedoor_app, stagedoor_crossing', t);
  end loop;
end $$;

-- The functions of the release before write grants and know nothing of counts. From now on they leave a note first, which
-- makes newcomers count all users. The transaction gets its id before it looks for counts: see horizon.
do $migration$
declare
  v_note text := 'perform pg_current_xact_id(); insert into public.place_notes (tenant_id, count_id) '
    'select c.tenant_id, c.id from public.place_counts as c where not c.is_ended and %s;';
  v_function record;
  v_new text;
begin
  for v_function in
    select p.proname as name, s.schema_name as schema, pg_get_functiondef(p.oid) as text
    from function_sets as s join pg_proc as p on p.pronamespace = to_regnamespace(s.schema_name)
    where p.prosrc ~ '(update|insert into) public\.grants\y'
  loop
    v_new := regexp_replace(
      v_function.text, E'\nbegin\n',
      E'\nbegin\n  ' || format(
        v_note,
        case v_function.name
          when 'sweep_pending_grants' then
            'exists (select from public.grants where state = ''pending'' and issued_at < now() - p_older_than)'
          else 'c.tenant_id = p_tenant'
        end
      ) || E'\n'
    );
    if v_new = v_function.text then
      raise exception 'the function %.% writes grants in a way that this migration does not know. Stop all replicas, delete the set from function_sets, and migrate again',
        v_function.schema, v_function.name;
    end if;
    execute v_new;
  end loop;
end;
$migration$;
