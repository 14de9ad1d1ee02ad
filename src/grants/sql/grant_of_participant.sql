-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the newest grant of a participant, without a row if Stagedoor did not hand out their token.
create function grant_of_participant(p_tenant text, p_participant text)
returns table (grant_id text, user_id text, role text)
language sql
stable
as $$
  select g.id, g.user_id, g.role
  from public.grants as g
  where g.tenant_id = p_tenant and g.participant_id = p_participant and g.state in ('released', 'watched', 'revoked')
  order by g.issued_at desc, g.id desc
  limit 1;
$$;
