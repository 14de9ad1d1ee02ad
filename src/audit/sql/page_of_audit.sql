-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Finds a page of the audit log: {"ids": at most p_most ids, "end": the place of the last entry that it looked at, as
-- {"id", "at"}, null if it looked at all}. It looks at p_looked entries: those of audit_by_time if p_by is user or
-- space, else those of audit_looked_at. Of these entries it takes those of p_user, of p_space, of p_action, by
-- p_caller, and from p_since on. Null takes all.
create function page_of_audit(
  p_tenant text,
  p_by text,
  p_value text,
  p_after text,
  p_before_time timestamptz,
  p_before text,
  p_user text,
  p_space text,
  p_action text,
  p_caller text,
  p_since timestamptz,
  p_most integer,
  p_looked integer
)
returns jsonb
language plpgsql
stable
as $$
declare
  v_is_by_time boolean := p_by in ('user', 'space');
  v_looked public.audit[];
begin
  if v_is_by_time then
    v_looked := array(
      select a
      from
        audit_by_time(p_tenant, p_by, p_value, coalesce(p_since, '-infinity'), p_before_time, p_before, p_looked) as a
    );
  else
    v_looked := array(select a from audit_looked_at(p_tenant, p_by, p_value, p_after, p_before, p_looked) as a);
  end if;
  return (
    with
      looked as materialized (
        select id, at as made_at, user_id, space_id, action, caller, case when v_is_by_time then at end as at
        from unnest(v_looked)
      )
    select
      jsonb_build_object(
        'ids', array(
          select id
          from looked
          where
            (p_user is null or user_id = p_user)
            and (p_space is null or space_id = p_space)
            and (p_action is null or action = p_action)
            and (p_caller is null or caller ->> 'id' = p_caller)
            and (p_since is null or made_at >= p_since)
          order by at desc, id desc
          limit p_most
        ),
        'end', (
          -- All that have the same time as the last one were looked at.
          select jsonb_build_object('id', case when at is null then id else '' end, 'at', at)
          from looked
          where (select count(*) from looked) >= p_looked
          order by at, id
          limit 1
        )
      )
  );
end;
$$;
