-- Advisory locks have keyed hashes as their keys (docs/decisions/0015-lock-keys.md). This migration makes the salt of the
-- hashes, and lets the functions of the release before take the new locks too. So the two releases exclude each other.

create table lock_salt (
  one boolean primary key default true check (one), -- the table has one row
  salt bytea not null
);
insert into lock_salt (salt) values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));
grant select on lock_salt to stagedoor_app, stagedoor_crossing;

do $migration$
declare
  -- The key that lock_key makes (src/database/sql/lock_key.sql).
  v_key text := $sql$(
    select ('x' || encode(substr(sha256(salt || convert_to(array[%s]::text, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
    from public.lock_salt
  )$sql$;
  v_user text := format(v_key, $sql$'user', p_tenant, p_user$sql$);
  v_space text := format(v_key, $sql$'space', p_tenant, p_space$sql$);
  v_rate text := format(v_key, $sql$'rate', p_tenant, p_user$sql$);
  v_capacity text := format(v_key, $sql$'capacity', p_space.tenant_id, p_space.id$sql$);
  v_action text := format(v_key, $sql$'action', p_tenant, p_action$sql$);
  v_sealer text := format(v_key, $sql$'sealer'$sql$);
  v_exclusive text := 'perform pg_advisory_xact_lock(';
  v_shared text := 'perform pg_advisory_xact_lock_shared(';
  v_function record;
  v_new text;
begin
  for v_function in
    select p.oid, p.proname as name, s.schema_name as schema, pg_get_functiondef(p.oid) as text
    from function_sets as s join pg_proc as p on p.pronamespace = to_regnamespace(s.schema_name)
    where p.prosrc like '%hashtextextended(%'
  loop
    -- Each function takes its old lock, as transactions that began before this migration do, and then the new one.
    v_new := v_function.text;
    case v_function.name
      when 'lock_user' then
        v_new := replace(v_new, v_exclusive || 'v_key);', v_exclusive || 'v_key); ' || v_exclusive || v_user || ');');
        v_new := replace(v_new, v_shared || 'v_key);', v_shared || 'v_key); ' || v_shared || v_user || ');');
      when 'lock_space' then
        v_new := replace(v_new, v_exclusive || 'v_key);', v_exclusive || 'v_key); ' || v_exclusive || v_space || ');');
        v_new := replace(v_new, v_shared || 'v_key);', v_shared || 'v_key); ' || v_shared || v_space || ');');
      when 'vends_in_last_minute' then
        v_new := replace(v_new, $sql$E'\nrate', 0));$sql$, $sql$E'\nrate', 0)); $sql$ || v_exclusive || v_rate || ');');
      when 'is_full' then
        v_new := replace(
          v_new, $sql$E'\ncapacity', 0));$sql$, $sql$E'\ncapacity', 0)); $sql$ || v_exclusive || v_capacity || ');'
        );
      when 'seal_audit' then
        v_new := replace(
          v_new, $sql$if not pg_try_advisory_xact_lock(hashtextextended('stagedoor audit', 0)) then$sql$,
          $sql$if not pg_try_advisory_xact_lock(hashtextextended('stagedoor audit', 0)) or not pg_try_advisory_xact_lock($sql$
            || v_sealer || ') then'
        );
      -- The key of an action is handed to other functions, so it is replaced.
      when 'action_lock_key' then
        v_new := replace(v_new, $sql$hashtextextended(p_tenant || E'\n' || p_action || E'\ncalls', 0)$sql$, v_action);
        v_new := replace(v_new, 'IMMUTABLE', 'STABLE');
      else
        null;
    end case;
    if v_new = v_function.text then
      raise exception 'the function %.% takes a lock that this migration does not know. Stop all replicas, delete the set from function_sets, and migrate again',
        v_function.schema, v_function.name;
    end if;
    execute v_new;
  end loop;
end;
$migration$;
