-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Refuses grants that have been pending for longer than p_older_than. Their vend was interrupted, and nobody has
-- received the tokens. Returns how many.
create function sweep_pending_grants(p_older_than interval)
returns bigint
language sql
as $$
  with
    swept as (
      update public.grants
      set state = 'refused'
      where state = 'pending' and issued_at < now() - p_older_than
      returning 1
    )
  select count(*)
  from swept;
$$;
