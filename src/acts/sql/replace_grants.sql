-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Revokes grants of a user in a space because a newer token takes their place (oneLiveToken), as a moderator revokes
-- one. The service does it by itself, so it does not count for the pace of anybody. The reason is for the clients of
-- the user: @stagedoor/client knows it, and does not take the place back.
create function replace_grants(
  p_tenant public.tenants,
  p_space text,
  p_user text,
  p_grants text[],
  p_action text,
  p_entry text,
  p_request text,
  p_limits jsonb
)
returns void
language plpgsql
as $$
declare
  v_reason text := 'stagedoor:newer_token';
  v_caller jsonb := jsonb_build_object('kind', 'system', 'id', 'one-live-token');
begin
  perform
    record_action(p_tenant.id, p_action, 'grants.revoke', p_space, p_user, null, v_reason, v_caller, 0);
  perform act_on_grants(p_tenant.id, p_action, p_grants, true, 'gone', interval '0', p_limits);
  perform
    write_audit_entry(
      p_tenant.id, p_entry, v_caller, 'grants.revoke', p_space, p_user, p_action,
      jsonb_build_object('reason', v_reason, 'oneLiveToken', p_tenant.one_live_token, 'grantIds', p_grants), p_request
    );
end;
$$;
