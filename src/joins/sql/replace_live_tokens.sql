-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes room for the tokens of a vend that admit has decided on: refuses those of the user that are being made, and
-- revokes the others that count as live. The transaction holds the lock of the user exclusively.
-- A call that disconnects the user from the room would close the connection of the new chat token too. So chat tokens
-- are replaced before the vend: it then returns what admit returns while such a call is open, and the vend is decided
-- anew after it. It leaves stage tokens until then. Returns null if the vend goes on.
-- p_decision is what decide_admission returns. p_action and p_entry are the ids of the action and of the audit entry,
-- if it revokes any.
create function replace_live_tokens(
  p_tenant public.tenants,
  p_space public.spaces,
  p_role public.roles,
  p_user text,
  p_pseudonym text,
  p_decision jsonb,
  p_staying text,
  p_action text,
  p_entry text,
  p_request text,
  p_limits jsonb
)
returns jsonb
language plpgsql
as $$
declare
  v_tokens public.grants[] := array(
    select g
    from
      other_live_tokens(
        p_tenant, p_space, p_user, (p_decision -> 'stage')::boolean, (p_decision -> 'chat')::boolean, p_staying,
        p_limits
      ) as g
    where not is_of_console(p_role.name)
  );
  v_made text[] := array(select id from unnest(v_tokens) where state != 'pending');
  v_chat text[] := array(select id from unnest(v_tokens) where state != 'pending' and kind = 'chat');
begin
  perform refuse_grants(p_tenant.id, array(select id from unnest(v_tokens) where state = 'pending'));
  if cardinality(v_made) = 0 then
    return null;
  end if;
  if cardinality(v_chat) = 0 then
    perform replace_grants(p_tenant, p_space.id, p_user, v_made, p_action, p_entry, p_request, p_limits);
    return null;
  end if;
  perform replace_grants(p_tenant, p_space.id, p_user, v_chat, p_action, p_entry, p_request, p_limits);
  return coalesce(
    refusal_while_disconnected(p_tenant, p_space, p_user, p_pseudonym, null, false),
    refusal('disconnecting') || jsonb_build_object('seconds', 0)
  );
end;
$$;
