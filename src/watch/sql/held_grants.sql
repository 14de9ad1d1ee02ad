-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the grants that an action holds, as rows in a JSON array, those that expire last first, and grantsAtOnce of
-- an action at most: act_on_grants holds no more at once.
create function held_grants(p_tenant text, p_action text)
returns jsonb
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select jsonb_agg(to_jsonb(g))
    from
      unnest(
        grants_by_id(
          p_tenant,
          array(
            select grant_id
            from public.holds
            where tenant_id = p_tenant and action_id = p_action
            order by expires_at desc, grant_id
          )
        )
      ) as g
  );
end;
$$;
