-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a delivery is a kick that IVS refuses to the service. A kick is no ban: the user may come back, and a
-- call that is allowed later would close their new connection.
create function is_refused_kick(p_delivery public.deliveries)
returns boolean
language plpgsql
stable
as $$
begin
  return p_delivery.state = 'stuck'
  and p_delivery.leased_until < clock_timestamp()
  and (select a.kind from describe_action(p_delivery.tenant_id, p_delivery.action_id) as a) = 'user.disconnect';
end;
$$;
