-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists the master keys that secrets in the database may be sealed with, the first used first.
create function list_master_keys()
returns setof public.master_keys
language sql
stable
as $$
  select * from public.master_keys order by first_used_at, id;
$$;
