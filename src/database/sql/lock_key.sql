-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the key of an advisory lock. p_class says what the lock is for, and p_parts names the thing: the tenant
-- first. The key is a keyed hash. Its salt is random and never leaves the database, so nobody can look for two things
-- that share a key (docs/decisions/0015). The text of an array quotes its elements, so different parts have different
-- texts. Raises an error if the salt is missing, because Postgres takes no lock for a null key.
create function lock_key(p_class text, p_parts text[])
returns bigint
language plpgsql
stable
as $$
declare
  v_digest bytea;
begin
  select sha256(salt || convert_to((p_class || p_parts)::text, 'UTF8'))
  into strict v_digest
  from public.lock_salt;
  return ('x' || encode(substr(v_digest, 1, 8), 'hex'))::bit(64)::bigint;
end;
$$;
