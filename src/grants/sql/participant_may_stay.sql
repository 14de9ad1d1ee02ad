-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a new stage token of the user may be for this participant, so that they exchange their token for it. It
-- is a participant of the user in this space, whose token Stagedoor signed. No act is against all of their grants, and
-- no call has disconnected them: IVS remembers whom it disconnected.
create function participant_may_stay(p_tenant text, p_space text, p_user text, p_participant text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from public.grants as g
    where
      g.tenant_id = p_tenant
      and g.participant_id = p_participant
      and g.space_id = p_space
      and g.user_id = p_user
      and g.kind = 'stage'
      and g.mint = 'key-pair'
      and g.state = 'released'
  )
  and not participant_was_disconnected(p_tenant, p_space, p_participant);
end;
$$;
