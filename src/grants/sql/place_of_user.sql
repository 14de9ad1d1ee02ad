-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the time until which a user has a place in the space of a count. Null: they have none. It reads their grants
-- as has_place does.
create function place_of_user(p_count public.place_counts, p_user text, p_limits jsonb)
returns timestamptz
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select max(usable.session_expires_at)
    from
      unnest(array['stage', 'chat']) as of_kind (kind)
      cross join lateral (
        select g.session_expires_at
        from public.grants as g
        where
          g.tenant_id = p_count.tenant_id
          and g.user_id = p_user
          and g.kind = of_kind.kind
          and g.issued_at > now() - limit_time(p_limits, 'longestTokenSeconds')
          and (g.space_id || '', g.kind) in (
            select s.space_id, s.kind from spaces_sharing(p_count.tenant_id, p_count.space_id) as s
          )
          and g.session_expires_at > now()
          and takes_place(g)
        order by g.issued_at desc
        offset 0
      ) as usable
  );
end;
$$;
