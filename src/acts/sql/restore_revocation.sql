-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Revokes grants again, as an entry of the journal says, after a restore from a backup that is older: the grants that
-- the entry names; else those of the user, in the entry's space if it has one, that were issued before the entry, and
-- before the time that it names. Returns false if the action is known.
create function restore_revocation(p_tenant text, p_action text, p_entry jsonb, p_limits jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
declare
  v_user text := p_entry ->> 'userId';
  v_space text := p_entry ->> 'spaceId';
  v_named text[] := array_remove(
    array_append(
      array(select jsonb_array_elements_text(coalesce(p_entry #> '{details,grantIds}', '[]'))),
      p_entry #>> '{details,grantId}'
    ),
    null
  );
  v_before timestamptz := least((p_entry ->> 'at')::timestamptz, (p_entry #>> '{details,issuedBefore}')::timestamptz);
  v_reason text := p_entry #>> '{details,reason}';
begin
  if
    exists (select from public.actions where tenant_id = p_tenant and id = p_action)
    or (v_space is not null and (find_space(p_tenant, v_space)).id is null)
  then
    return false;
  end if;
  perform lock_user(p_tenant, v_user, true);
  perform
    record_action(p_tenant, p_action, 'grants.revoke', v_space, v_user, null, v_reason, p_entry -> 'caller', 0);
  perform
    act_on_grants(
      p_tenant, p_action,
      case
        when cardinality(v_named) > 0 then array(
            select g.id from unnest(grants_by_id(p_tenant, v_named)) as g where may_be_inside(g)
          )
        else grants_to_act_on(p_tenant, v_user, v_space, v_before, p_limits)
      end,
      true, 'gone', interval '0', p_limits
    );
  return true;
end;
$$;
