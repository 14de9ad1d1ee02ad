-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts the unexpired tokens that a signing key has signed, p_most at most. IVS accepts a token whose grant is revoked
-- like any other, so it counts; that of a refused grant never left.
create function count_live_tokens_of_key(p_tenant text, p_key text, p_most integer)
returns integer
language sql
stable
set plan_cache_mode = force_custom_plan
as $$
  select count(*)::integer
  from (
    select
    from public.grants
    where tenant_id = p_tenant and signing_key_id = p_key and expires_at > now() and state != 'refused'
    limit p_most
  ) as live;
$$;
