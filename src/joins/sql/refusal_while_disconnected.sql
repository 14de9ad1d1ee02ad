-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit returns while a call that disconnects the user from the room is open, or may still be carried out
-- by IVS: it would close the connection that the new chat token is for. seconds is the time until that may be over.
-- Returns null if there is no such call.
-- It cancels kicks that IVS refuses. p_is_dry: it only leaves them out, and calls of bans that do not bind the rank
-- p_rank. A vend has ended those before.
create function refusal_while_disconnected(
  p_tenant public.tenants,
  p_space public.spaces,
  p_user text,
  p_pseudonym text,
  p_rank integer,
  p_is_dry boolean
)
returns jsonb
language plpgsql
as $$
declare
  v_ivs_user text := case p_tenant.ivs_user_ids when 'plain' then p_user else p_pseudonym end;
  v_ended text[] := array[]::text[];
  v_seconds double precision := seconds_until_disconnected(p_tenant.id, p_space.room_arn, v_ivs_user, '{}', false);
begin
  if p_is_dry then
    v_ended := actions_of_bans(p_tenant.id, outranked_bans(p_tenant.id, p_user, p_space.id, p_rank));
  end if;
  if v_seconds is not null then
    if not p_is_dry then
      perform cancel_refused_kicks(p_tenant.id, p_space.room_arn, v_ivs_user);
    end if;
    v_seconds := seconds_until_disconnected(p_tenant.id, p_space.room_arn, v_ivs_user, v_ended, p_is_dry);
  end if;
  if acts_on_user_are_unfinished(p_tenant.id, p_space.id, p_user, v_ended) then
    v_seconds := coalesce(v_seconds, 0);
  end if;
  return case when v_seconds is not null then jsonb_build_object('refused', 'disconnecting', 'seconds', v_seconds) end;
end;
$$;
