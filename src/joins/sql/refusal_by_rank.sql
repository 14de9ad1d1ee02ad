-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit returns if the user has a rank that a ban against them does not bind: { "refused": "outranks",
-- "ban", "rank" }. Returns null if there is no such ban.
create function refusal_by_rank(p_tenant text, p_user text, p_space text, p_rank integer)
returns jsonb
language plpgsql
stable
as $$
declare
  v_ban text;
begin
  if p_rank is not null then
    v_ban := outranked_ban(p_tenant, p_user, p_space, p_rank);
  end if;
  if v_ban is null then
    return null;
  end if;
  return refusal('outranks') || jsonb_build_object('ban', v_ban, 'rank', p_rank);
end;
$$;
