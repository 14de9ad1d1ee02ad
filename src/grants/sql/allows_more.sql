-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a grant allows something that a role does not. A null role allows nothing.
create function allows_more(p_grant public.grants, p_role public.roles)
returns boolean
language sql
immutable
as $$
  select
    not coalesce(
      case p_grant.kind
        when 'stage' then p_role.stage_ttl_seconds is not null
          and p_grant.capabilities <@ p_role.stage_capabilities
        else p_role.chat_session_minutes is not null
          and p_grant.capabilities <@ p_role.chat_capabilities
      end,
      false
    );
$$;
