-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the spaces whose stages have to be watched for these grants: with p_keep_out those of all stage grants, else
-- those of expired ones.
create function spaces_to_watch(p_grants public.grants[], p_keep_out boolean)
returns text[]
language sql
stable
as $$
  select
    array(select distinct space_id from unnest(p_grants) where kind = 'stage' and (p_keep_out or expires_at <= now()));
$$;
