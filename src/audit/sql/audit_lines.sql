-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the entries of a tenant after the place p_after, p_most at most and no later than p_to, each as JSON.
create function audit_lines(p_tenant text, p_after bigint, p_to bigint, p_most integer)
returns table (seq bigint, line text)
language sql
stable
set enable_seqscan = off
as $$
  select
    a.seq,
    jsonb_build_object(
      'tenantId', a.tenant_id, 'seq', a.seq, 'id', a.id, 'at', event_time(a.at), 'caller', a.caller, 'action', a.action,
      'spaceId', a.space_id, 'userId', a.user_id, 'subject', a.subject, 'details', a.details, 'requestId', a.request_id,
      'hash', encode(a.hash, 'hex')
    )::text
  from public.audit as a
  where a.tenant_id = p_tenant and a.seq > p_after and a.seq <= p_to
  order by a.seq
  limit p_most;
$$;
