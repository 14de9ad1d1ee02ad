-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit returns while a call that disconnects the user from the room is open, or may still be carried out
-- by IVS: it would close the connection that the new chat token is for. seconds is the time until that may be over.
-- Returns null if there is no such call.
create function refusal_while_disconnected(
  p_tenant public.tenants,
  p_space public.spaces,
  p_user text,
  p_pseudonym text
)
returns jsonb
language plpgsql
as $$
declare
  v_ivs_user text := case p_tenant.ivs_user_ids when 'plain' then p_user else p_pseudonym end;
  v_seconds double precision := seconds_until_disconnected(p_tenant.id, p_space.room_arn, v_ivs_user);
begin
  if v_seconds is not null then
    perform call_off_refused_kicks(p_tenant.id, p_space.room_arn, v_ivs_user);
    v_seconds := seconds_until_disconnected(p_tenant.id, p_space.room_arn, v_ivs_user);
  end if;
  if acts_on_user_are_unfinished(p_tenant.id, p_space.id, p_user) then
    v_seconds := coalesce(v_seconds, 0);
  end if;
  return case when v_seconds is not null then jsonb_build_object('refused', 'disconnecting', 'seconds', v_seconds) end;
end;
$$;
