-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the live tokens that stand against a vend of a stage token, of a chat token, or of both, if the tenant allows a
-- user one of a kind: those of live_grants. A token that p_staying, a participant who is on the stage, exchanges for
-- the new one is not among them. Null p_staying: the vend names no participant.
create function other_live_tokens(
  p_tenant public.tenants,
  p_space public.spaces,
  p_user text,
  p_stage boolean,
  p_chat boolean,
  p_staying text,
  p_limits jsonb
)
returns setof public.grants
language plpgsql
stable
as $$
declare
  v_kinds text[] := array_remove(array[case when p_stage then 'stage' end, case when p_chat then 'chat' end], null);
  v_exchanges boolean := p_staying is not null
  and (signing_key_to_use(p_tenant.id)).state is not distinct from 'active'
  and participant_may_stay(p_tenant.id, p_space.id, p_user, p_staying);
begin
  return query
    select *
    from live_grants(p_tenant.id, p_space.id, p_user, v_kinds, case when v_exchanges then p_staying end, p_limits);
end;
$$;
