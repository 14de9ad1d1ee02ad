-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records a note about a user. Returns when; null: there are as many notes about them as there may be (notesOfUser).
-- Two notes at once cannot pass this number.
create function add_user_note(p_tenant text, p_id text, p_user text, p_text text, p_author jsonb, p_limits jsonb)
returns timestamptz
language plpgsql
as $$
declare
  v_at timestamptz;
begin
  perform take_lock('quota', array[p_tenant, 'notes', p_user], true);
  if
    (select count(*) from public.user_notes where tenant_id = p_tenant and user_id = p_user) >= limit_count(
      p_limits, 'notesOfUser'
    )
  then
    return null;
  end if;
  insert into public.user_notes (tenant_id, id, user_id, text, author, created_at)
  values (p_tenant, p_id, p_user, p_text, p_author, clock_timestamp())
  returning created_at
  into v_at;
  return v_at;
end;
$$;
