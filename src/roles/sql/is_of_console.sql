-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether a role is one of role_of_console: somebody reads a chat room from the console, and is no user of the
-- space. A tenant can give no role such a name.
create function is_of_console(p_role text)
returns boolean
language sql
immutable
as $$
  select p_role like 'console:%';
$$;
