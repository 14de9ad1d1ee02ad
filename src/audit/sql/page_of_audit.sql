-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Finds a page of the audit log: {"ids": at most p_most ids, "end": the id of the last entry that it looked at, null if
-- it looked at all}. p_by, p_value, the bounds and p_looked are those of audit_looked_at. Of these entries it takes
-- those of p_space, of p_action and from p_since on. Null takes all.
create function page_of_audit(
  p_tenant text,
  p_by text,
  p_value text,
  p_after text,
  p_before text,
  p_space text,
  p_action text,
  p_since timestamptz,
  p_most integer,
  p_looked integer
)
returns jsonb
language sql
stable
as $$
  with
    looked as materialized (
      select id, at, space_id, action from audit_looked_at(p_tenant, p_by, p_value, p_after, p_before, p_looked)
    )
  select
    jsonb_build_object(
      'ids', array(
        select id
        from looked
        where
          (p_space is null or space_id = p_space)
          and (p_action is null or action = p_action)
          and (p_since is null or at >= p_since)
        order by id desc
        limit p_most
      ),
      'end', (select min(id) from looked having count(*) = p_looked)
    );
$$;
