-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit and settle return for a banned user: { "refused": "banned", "until", "reason" }. Returns null if
-- no ban is in force that binds their rank. p_pseudonym is as in ban_in_force.
create function ban_refusal(p_tenant text, p_user text, p_space text, p_rank integer, p_pseudonym text)
returns jsonb
language plpgsql
stable
as $$
declare
  v_ban public.bans := ban_in_force(p_tenant, p_user, p_space, p_rank, p_pseudonym);
begin
  if v_ban.id is null then
    return null;
  end if;
  return jsonb_build_object('refused', 'banned', 'until', v_ban.expires_at, 'reason', v_ban.reason);
end;
$$;
