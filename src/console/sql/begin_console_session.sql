-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records a session of the console for a caller: p_kind and p_caller. p_hash is the keyed hash of the session's secret,
-- p_token_hash that of the operator's token, and p_issuer and p_name the identity provider of a person and the name
-- that it gave; each is null for other callers. A caller has consoleSessions sessions at most:
-- those of theirs that have ended, and beyond that number those that were used longest ago, are deleted.
create function begin_console_session(
  p_tenant text,
  p_session text,
  p_hash bytea,
  p_kind text,
  p_caller text,
  p_token_hash bytea,
  p_issuer text,
  p_name text,
  p_limits jsonb
)
returns void
language plpgsql
as $$
begin
  delete from public.console_sessions
  where
    tenant_id = p_tenant
    and kind = p_kind
    and caller = p_caller
    and not id = any (
      array(
        select id
        from public.console_sessions
        where tenant_id = p_tenant and kind = p_kind and caller = p_caller and ended_at is null and expires_at > now()
        order by last_used_at desc, id desc
        limit limit_count(p_limits, 'consoleSessions') - 1
      )
    );
  insert into public.console_sessions (tenant_id, id, hash, kind, caller, token_hash, issuer_id, name, expires_at)
  values (
    p_tenant, p_session, p_hash, p_kind, p_caller, p_token_hash, p_issuer, p_name,
    now() + limit_time(p_limits, 'consoleIdleSeconds')
  );
end;
$$;
