-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Finds out whose an event of IVS is, by the stage or room (p_kind) that it is about. outcome is 'resource' if no
-- tenant has it, 'account' if its tenant has another AWS account or Region, 'known' if the event has come before,
-- 'busy' if too many events of the tenant come, and else 'new'. p_rate and p_burst are the events that a tenant may
-- have, as in reserve_calls. Only a new event takes one.
create function find_ivs_event(
  p_kind text,
  p_arn text,
  p_account text,
  p_region text,
  p_event text,
  p_rate double precision,
  p_burst double precision
)
returns table (outcome text, tenant_id text, space_id text)
language plpgsql
as $$
declare
  v_tenant text := holder_of_reservation(p_kind, p_arn);
  v_space text := case when p_kind = 'stage' then space_of_stage(v_tenant, p_arn) end;
  v_own record;
begin
  if v_tenant is null or (p_kind = 'stage' and v_space is null) then
    return query select 'resource', null::text, null::text;
    return;
  end if;
  select *
  into v_own
  from aws_account(v_tenant);
  -- A tenant without a role is in the account of the deployment. Nobody has told its number; the ARN says it.
  if v_own.region != p_region or split_part(v_own.aws_role_arn, ':', 5) != p_account then
    return query select 'account', v_tenant, v_space;
    return;
  end if;
  return query
    select
      case
        when exists (select from public.ivs_events as e where e.tenant_id = v_tenant and e.id = p_event) then 'known'
        when reserve_calls('tenant ' || v_tenant, 'events of IVS', 1, 1, 0, p_rate, p_burst) = 0 then 'busy'
        else 'new'
      end,
      v_tenant, v_space;
end;
$$;
