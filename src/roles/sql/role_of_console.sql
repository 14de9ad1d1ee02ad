-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role with which somebody reads the chat room of a space from the console: console:viewer may read, and
-- console:moderator may send, too. A null row means that it is none of the two. A connection lasts 20 minutes. So
-- whoever may not use the console any more reads no longer than that, and the official client moves to a new connection
-- in time.
create function role_of_console(p_tenant text, p_name text)
returns public.roles
language sql
immutable
as $$
  select
    jsonb_populate_record(
      null::public.roles,
      jsonb_build_object(
        'tenant_id', p_tenant, 'name', p_name, 'stage_capabilities', jsonb_build_array(),
        'chat_capabilities', case p_name
          when 'console:moderator' then jsonb_build_array('SEND_MESSAGE')
          else jsonb_build_array()
        end,
        'chat_session_minutes', 20, 'moderator', true, 'rank', 0, 'attributes', jsonb_build_object(),
        'client_attributes', jsonb_build_array()
      )
    )
  where p_name in ('console:viewer', 'console:moderator');
$$;
