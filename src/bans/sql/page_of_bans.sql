-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Finds a page of bans: {"ids": at most p_most ids, "end": the id of the last ban that it looked at, null if it looked
-- at all}. p_by, p_value, p_before and p_looked are those of bans_looked_at. Of these bans it takes those of p_space,
-- and those that are in force at p_now or are not, as p_active says. Null takes all.
create function page_of_bans(
  p_tenant text,
  p_by text,
  p_value text,
  p_before text,
  p_space text,
  p_active boolean,
  p_now timestamptz,
  p_most integer,
  p_looked integer
)
returns jsonb
language sql
stable
as $$
  with
    looked as materialized (
      select id, space_id, lifted_at is null and coalesce(expires_at > p_now, true) as active
      from bans_looked_at(p_tenant, p_by, p_value, p_before, p_looked)
    )
  select
    jsonb_build_object(
      'ids', array(
        select id
        from looked
        where (p_space is null or space_id = p_space) and (p_active is null or active = p_active)
        order by id desc
        limit p_most
      ),
      'end', (select min(id) from looked having count(*) = p_looked)
    );
$$;
