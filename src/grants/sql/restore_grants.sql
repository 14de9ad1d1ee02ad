-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Puts grants back that a restore from a backup has lost: rows of held_grants. It leaves out those that are known,
-- those that are over, those that never had a token, and those for spaces that the database does not have.
create function restore_grants(p_tenant text, p_grants jsonb)
returns void
language plpgsql
as $$
declare
  v_spaces text[];
  v_users text[];
begin
  with
    restored as (
      insert into public.grants (
        tenant_id, id, space_id, user_id, ivs_user_id, kind, role, mint, signing_key_id, participant_id, capabilities,
        state, issued_at, expires_at, session_expires_at
      )
      select
        p_tenant, id, space_id, user_id, ivs_user_id, kind, role, mint, signing_key_id, participant_id, capabilities,
        'released', issued_at, expires_at, session_expires_at
      from jsonb_populate_recordset(null::public.grants, p_grants)
      where
        state in ('released', 'watched')
        and session_expires_at > now()
        and (find_space(p_tenant, space_id)).id is not null
      on conflict do nothing
      returning space_id, user_id
    )
  select array_agg(space_id), array_agg(user_id)
  into v_spaces, v_users
  from restored;
  perform note_places(p_tenant, v_spaces, v_users);
end;
$$;
