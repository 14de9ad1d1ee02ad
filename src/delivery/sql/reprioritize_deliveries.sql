-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Sets the priorities of the waiting DisconnectParticipant calls of a space after a step of a look: publishers first,
-- then other connected participants, then the rest. The rest is known at the end of the look; p_since is its beginning,
-- and null if it goes on. It changes at most p_limits.reprioritizedAtOnce.
create function reprioritize_deliveries(
  p_tenant text,
  p_space text,
  p_looked_at timestamptz,
  p_since timestamptz,
  p_connected jsonb,
  p_limits jsonb
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_at_once integer := limit_count(p_limits, 'reprioritizedAtOnce');
  v_account text := (select account from aws_account(p_tenant));
begin
  update public.deliveries
  set priority = case
    when (p_connected -> target ->> 'publishing')::boolean then 0
    when p_connected ? target then 1
    else 2
  end
  where
    tenant_id = p_tenant
    and id in (
      select id
      from public.deliveries
      where
        tenant_id = p_tenant
        and account = v_account
        and space_id = p_space
        and state = 'pending'
        and operation = 'DisconnectParticipant'
        and case
          when p_connected ? target then priority != case
              when (p_connected -> target ->> 'publishing')::boolean then 0
              else 1
            end
          else priority < 2
            and attempts = 0
            and p_since is not null
            and next_at < p_looked_at
            and not was_seen_since(p_tenant, grant_id, p_since)
        end
      order by p_connected ? target desc
      limit v_at_once
    );
end;
$$;
