-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts the users who have an unexpired grant for a space, without the user p_except.
create function users_in_space(p_tenant text, p_space text, p_except text)
returns bigint
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select count(distinct user_id)
    from public.grants
    where
      tenant_id = p_tenant
      and space_id = any (array(select s.space_id from spaces_sharing(p_tenant, p_space) as s))
      and (space_id, kind) in (select s.space_id, s.kind from spaces_sharing(p_tenant, p_space) as s)
      and session_expires_at > now()
      and state in ('pending', 'released')
      and user_id != p_except
  );
end;
$$;
