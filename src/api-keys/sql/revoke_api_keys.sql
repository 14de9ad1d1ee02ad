-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Revokes an API key, and with p_descendants also every key that it made, that those made, and so on. It spares the key
-- p_by, which asks for it, and what p_by made, unless p_by asks to revoke itself. Returns the ids of the keys that it
-- has revoked. A key that is revoked already keeps its time, and what it made is revoked all the same.
-- The locks wait for keys that are just making others: each level is read after the level above it was locked.
create function revoke_api_keys(p_tenant text, p_key text, p_by text, p_descendants boolean)
returns text[]
language plpgsql
set enable_seqscan = off
as $$
declare
  v_level text[] := array[p_key];
  v_now text[];
  v_revoked text[] := array[]::text[];
begin
  loop
    perform from public.api_keys where tenant_id = p_tenant and id = any (v_level) order by id for update;
    with
      revoked as (
        update public.api_keys
        set revoked_at = now()
        where tenant_id = p_tenant and id = any (v_level) and revoked_at is null
        returning id
      )
    select array_agg(id order by id)
    into v_now
    from revoked;
    v_revoked := v_revoked || coalesce(v_now, array[]::text[]);
    exit when not p_descendants;
    select array_agg(id)
    into v_level
    from public.api_keys
    where tenant_id = p_tenant and parent_id = any (v_level) and id is distinct from p_by;
    exit when v_level is null;
  end loop;
  return v_revoked;
end;
$$;
