-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets the newest freezing of a space act on grants that it spared, because they were those of moderators who are none
-- any more. p_user is the user whose role has changed; null: a role has changed, and everybody is looked at. Does
-- nothing if the space is not frozen. Returns the id of the freezing if it acts on more grants now, else null. The
-- unfreezing undoes this as well. The transaction holds the lock of the space, exclusively if p_user is null.
create function extend_freezing(p_tenant text, p_space text, p_user text, p_limits jsonb)
returns text
language plpgsql
as $$
declare
  v_moderators text[] := moderator_roles(p_tenant);
  v_freezing text;
  v_grants text[];
begin
  if
    (find_space(p_tenant, p_space)).frozen_at is null
    or (p_user is not null and (role_in_space(p_tenant, p_space, p_user, null)).moderator)
  then
    return null;
  end if;
  v_freezing := newest_freezing(p_tenant, p_space);
  perform
    refuse_pending_grants(
      p_tenant, p_space, p_user, 'infinity', case when p_user is null then v_moderators else '{}' end
    );
  select array_agg(spared.id order by spared.place)
  into v_grants
  from
    unnest(grants_to_silence(p_tenant, p_space, p_user, v_moderators, p_limits)) with ordinality as spared (id, place)
  where
    not is_held_by(p_tenant, spared.id, v_freezing)
    and not exists (
      select
      from public.unfinished_actions as u
      where u.tenant_id = p_tenant and u.action_id = v_freezing and spared.id = any (u.grants)
    );
  if v_freezing is null or v_grants is null then
    return null;
  end if;
  perform act_on_grants(p_tenant, v_freezing, v_grants, true, 'gone', interval '0', p_limits);
  return v_freezing;
end;
$$;
