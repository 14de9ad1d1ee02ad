-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what the checks of a vend look at, for an explanation. Its type is in src/joins/explanation.ts. The
-- parameters are as those of decide_admission and admit. space.users is the number of other users who have a place;
-- null: the space has no capacity. claimed is the role that counts of those that the JWT claims.
create function admission_facts(
  p_space public.spaces,
  p_role public.roles,
  p_user text,
  p_own_role text,
  p_roles_claimed text[],
  p_limits jsonb,
  p_pseudonym text
)
returns jsonb
language plpgsql
stable
as $$
declare
  v_tenant text := p_space.tenant_id;
  v_rank integer := case when p_own_role is not null then p_role.rank end;
  v_ban public.bans := ban_in_force(v_tenant, p_user, p_space.id, v_rank, p_pseudonym);
  v_claimed public.roles := claimed_role(v_tenant, p_roles_claimed);
begin
  return jsonb_build_object(
    'space', jsonb_build_object(
      'defaultRole', p_space.default_role, 'isFrozen', p_space.frozen_at is not null, 'capacity', p_space.capacity,
      'users', case when p_space.capacity is not null then users_in_space(v_tenant, p_space.id, p_user) end,
      'hasPlace', p_space.capacity is not null and has_place(p_space, p_user, p_limits),
      'hasStage', p_space.stage_arn is not null, 'hasRoom', p_space.room_arn is not null
    ),
    'role', case
      when p_role.name is not null then jsonb_build_object(
          'name', p_role.name, 'rank', p_role.rank, 'moderator', p_role.moderator, 'attributes', p_role.attributes,
          'clientAttributes', p_role.client_attributes, 'stageCapabilities', p_role.stage_capabilities,
          'ttlSeconds', p_role.stage_ttl_seconds, 'chatCapabilities', p_role.chat_capabilities,
          'sessionMinutes', p_role.chat_session_minutes
        )
    end,
    'member', member_facts(v_tenant, p_space.id, p_user, v_claimed.rank), 'claimed', v_claimed.name,
    'roles', role_names(v_tenant),
    'ban', case
      when v_ban.id is not null then jsonb_build_object('id', v_ban.id, 'isOfTenant', v_ban.space_id is null)
    end,
    'outrankedBans', outranked_bans(v_tenant, p_user, p_space.id, v_rank),
    'mint', case when (signing_key_to_use(v_tenant)).state = 'active' then 'key-pair' else 'ivs' end
  );
end;
$$;
