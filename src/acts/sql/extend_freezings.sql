-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets the freezings of a tenant act on the grants of a role that moderates no more: see extend_freezing. The
-- transaction has changed the role before. A freezing that begins now waits for it in lock_moderator_roles.
create function extend_freezings(p_tenant text, p_limits jsonb)
returns void
language plpgsql
as $$
declare
  v_space text;
begin
  foreach v_space in array frozen_spaces(p_tenant) loop
    perform lock_space(p_tenant, v_space, true);
    perform extend_freezing(p_tenant, v_space, null, p_limits);
  end loop;
end;
$$;
