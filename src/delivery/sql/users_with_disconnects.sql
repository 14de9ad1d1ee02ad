-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns those of p_ivs_users whom a call disconnects from a room, as p_rooms has it for each: the call is open, or
-- IVS may still carry it out. It does not ask whether anybody needs the call (seconds_until_disconnected does).
create function users_with_disconnects(p_tenant text, p_rooms text[], p_ivs_users text[])
returns text[]
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return array(
    select asked.ivs_user
    from
      unnest(p_rooms, p_ivs_users) as asked (room, ivs_user)
      cross join lateral (
        select
        from public.deliveries as d
        where
          d.tenant_id = p_tenant
          and d.arn = asked.room
          and d.target = asked.ivs_user
          and d.operation = 'DisconnectUser'
          and (d.state in ('pending', 'stuck') or d.lands_until > 'epoch')
        limit 1
      ) as found
  );
end;
$$;
