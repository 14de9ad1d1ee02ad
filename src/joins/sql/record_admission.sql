-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the grants of a vend that admit has decided on, and what its audit entry says. Returns what admit returns. A
-- null grant id stands for a token that is not given.
create function record_admission(
  p_tenant public.tenants,
  p_space public.spaces,
  p_role public.roles,
  p_user text,
  p_pseudonym text,
  p_stage_grant text,
  p_chat_grant text,
  p_participant text,
  p_caller jsonb,
  p_audit_entry text,
  p_audit_action text,
  p_request text,
  p_used integer,
  p_limits jsonb
)
returns jsonb
language plpgsql
as $$
declare
  v_now timestamptz := date_trunc('milliseconds', clock_timestamp());
  v_ivs_user text := case p_tenant.ivs_user_ids when 'plain' then p_user else p_pseudonym end;
  v_key public.signing_keys;
begin
  if p_stage_grant is not null then
    v_key := signing_key_to_use(p_tenant.id);
    perform
      record_stage_grant(
        p_tenant.id, p_stage_grant, p_space.id, p_user, v_ivs_user, p_role, v_key, p_participant, v_now
      );
  end if;
  if p_chat_grant is not null then
    perform record_chat_grant(p_tenant.id, p_chat_grant, p_space.id, p_user, v_ivs_user, p_role, v_now, p_limits);
  end if;
  if p_space.capacity is not null then
    perform note_places(p_tenant.id, array[p_space.id], array[p_user]);
  end if;
  perform
    write_vend_entries(
      array[
        row(
          p_tenant.id,
          p_audit_entry,
          null,
          p_caller,
          p_audit_action,
          p_space.id,
          p_user,
          p_role.name,
          p_stage_grant,
          p_chat_grant,
          p_request
        )::public.unsealed_vends
      ]
    );
  return admission_answer(
    p_tenant, p_space, p_role, v_key, v_ivs_user, v_now, p_used, p_stage_grant is not null, p_chat_grant is not null
  );
end;
$$;
