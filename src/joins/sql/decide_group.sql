-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes the checks of decide_admission for several vends in one statement: those of standings, and those that admit
-- makes beyond them. It knows the plain case alone, as standings does. vend is what planned_vends has, and "used", the
-- number of vends of this kind to the user in the last minute, with this one. The parameters are as in standings. The
-- locks of p_users are exclusive: no other vend to them is under way, so those of the last minute can be counted.
create function decide_group(
  p_tenant public.tenants,
  p_requests jsonb,
  p_spaces text[],
  p_users text[],
  p_vends_per_minute integer,
  p_limits jsonb
)
returns table (nth integer, leaves text, space public.spaces, role public.roles, vend jsonb)
language plpgsql
stable
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
  return query
    with
      planned as materialized (select * from planned_vends(p_tenant, p_requests, p_spaces, p_users)),
      counted as materialized (
        select
          v.*, d.ivs_user is not null as is_disconnected,
          greatest(
            case when v.stage_grant is not null then u.stage end, case when v.chat_grant is not null then u.chat end
          ) as used
        from
          planned as v
          left join vends_of_users(p_tenant.id, p_users, p_vends_per_minute) as u on u.user_id = v.user_id
          left join unnest(
            users_with_disconnects(
              p_tenant.id, array(select (space).room_arn from planned where chat_grant is not null order by nth),
              array(select ivs_user from planned where chat_grant is not null order by nth)
            )
          ) as d (ivs_user)
            on d.ivs_user = v.ivs_user
      )
    select
      c.nth,
      case
        when c.leaves is not null then c.leaves
        when c.used is null then 'nothing_to_give'
        when (c.space).capacity is not null then 'capacity'
        when c.chat_grant is not null
          and (
            c.is_disconnected
            or exists (
              select
              from unfinished_acts(p_tenant.id) as a
              where a.user_id = c.user_id or (a.user_id is null and a.space_id = (c.space).id)
            )
          ) then 'disconnecting'
        when c.used >= p_vends_per_minute then 'rate'
        when p_tenant.one_live_token != 'off'
          and exists (
            select
            from
              other_live_tokens(
                p_tenant, c.space, c.user_id, c.stage_grant is not null, c.chat_grant is not null, null, p_limits
              )
          ) then 'live_token'
      end,
      c.space, c.role, c.vend || jsonb_build_object('used', c.used + 1)
    from counted as c;
end;
$$;
