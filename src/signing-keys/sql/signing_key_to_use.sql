-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the key pair that signs the tenant's stage tokens: the active one, else the newest retiring one. A retiring
-- key signs only while IVS cannot make tokens. A null row means that there is none.
create function signing_key_to_use(p_tenant text)
returns public.signing_keys
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_key public.signing_keys;
begin
  select *
  into v_key
  from public.signing_keys
  where tenant_id = p_tenant and state in ('active', 'retiring')
  order by state, created_at desc
  limit 1;
  return v_key;
end;
$$;
