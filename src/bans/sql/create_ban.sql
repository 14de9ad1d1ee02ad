-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Decides on a ban and records it, with its audit entry and its events. It is one call, because a round trip takes long
-- while vends keep the replica busy. It enters the tenant as enter_tenant does, so it can be a transaction of its own.
-- Returns { "refused": code, ... }, or what ban_user returns, "byRank", the rank of a person who bans, and "before",
-- what acts_in_last_minute has counted. The codes are those of ban_user and moderator_rank, "rate" with "oldest", the
-- time of the oldest act of the last minute, "themselves", "rank", and "quota" with "most". p_claimed has the roles
-- that the caller's JWT claims, and p_pseudonym is theirs.
create function create_ban(
  p_tenant text,
  p_kind text,
  p_credential text,
  p_must_be_active boolean,
  p_caller jsonb,
  p_claimed text[],
  p_ban text,
  p_action text,
  p_space text,
  p_user text,
  p_reason text,
  p_expires timestamptz,
  p_elapsed double precision,
  p_most_acts integer,
  p_usual_quota integer,
  p_audit_entry text,
  p_details jsonb,
  p_request text,
  p_events jsonb,
  p_limits jsonb,
  p_pseudonym text
)
returns jsonb
language plpgsql
as $$
declare
  v_is_person boolean := p_caller ->> 'kind' = 'user';
  v_acts record;
  v_own jsonb;
  v_most integer;
  v_ban jsonb;
begin
  perform enter_tenant(p_tenant, p_kind, p_credential, p_must_be_active);
  select *
  into v_acts
  from acts_in_last_minute(p_tenant, p_caller ->> 'kind', p_caller ->> 'id', p_most_acts, v_is_person);
  if v_acts.used >= p_most_acts then
    return jsonb_build_object('refused', 'rate', 'oldest', v_acts.oldest);
  end if;
  if v_is_person then
    v_own := moderator_rank(p_tenant, p_space, p_caller ->> 'id', p_claimed, p_pseudonym);
    if v_own ? 'refused' then
      return v_own;
    end if;
    if p_user = p_caller ->> 'id' then
      return jsonb_build_object('refused', 'themselves');
    end if;
    if rank_to_act_on(p_tenant, p_space, p_user, p_limits) >= (v_own ->> 'rank')::integer then
      return jsonb_build_object('refused', 'rank');
    end if;
  end if;
  v_most := quota_of_bans(p_tenant, p_usual_quota, p_limits);
  if v_most is not null then
    return jsonb_build_object('refused', 'quota', 'most', v_most);
  end if;
  v_ban := ban_user(
    p_tenant, p_ban, p_action, p_space, p_user, p_reason, p_expires, p_caller, (v_own ->> 'rank')::integer, p_elapsed,
    p_limits
  );
  if v_ban ? 'refused' then
    return v_ban;
  end if;
  perform
    write_audit_entry(
      p_tenant, p_audit_entry, p_caller, 'ban.create', p_space, p_user, p_ban,
      p_details || jsonb_strip_nulls(jsonb_build_object('byRank', v_own -> 'rank')), p_request
    );
  perform write_events(p_tenant, p_events);
  return v_ban || jsonb_build_object('byRank', v_own -> 'rank', 'before', to_jsonb(v_acts));
end;
$$;
