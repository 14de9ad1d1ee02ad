-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Notes that somebody reads the event grant.issued of a tenant. It is recorded for the time that p_limits says from now
-- on. Returns whether it noted it: a tenant that never had an event has no log to note it in.
create function ask_for_issued_grants(p_tenant text, p_limits jsonb)
returns boolean
language plpgsql
as $$
begin
  perform set_config('app.tenant_id', p_tenant, true);
  update public.event_logs
  set issued_until = now() + limit_time(p_limits, 'issuedGrantsAskedSeconds')
  where tenant_id = p_tenant;
  return found;
end;
$$;
