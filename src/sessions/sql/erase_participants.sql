-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Puts p_name in the place of a user id in p_most participants of sessions of a tenant that follow p_after. It leaves
-- those who are on the stage, and looks at stages that the user is in: they end by themselves.
-- As every function of this kind it returns how many rows it has changed or deleted, how many it left because they are
-- needed until a token has expired, and where to go on: null if it has come to the end.
create function erase_participants(p_tenant text, p_user text, p_name text, p_after text, p_most integer)
returns table (changed bigint, waiting bigint, reached text)
language sql
as $$
  with
    looked as materialized (
      select
        p.space_id, p.session_id, p.participant_id, p.user_id = p_user as is_theirs,
        p.left_at is not null or p.seen_at < now() - interval '1 hour' as is_settled,
        jsonb_build_array(p.space_id, p.session_id, p.participant_id)::text as place,
        row_number() over (order by p.space_id, p.session_id, p.participant_id) as nth
      from public.stage_participants as p
      where
        p.tenant_id = p_tenant
        and (p.space_id, p.session_id, p.participant_id) > (
          coalesce(p_after::jsonb ->> 0, ''),
          coalesce(p_after::jsonb ->> 1, ''),
          coalesce(p_after::jsonb ->> 2, '')
        )
      order by p.space_id, p.session_id, p.participant_id
      limit p_most
    ),
    renamed as (
      update public.stage_participants as p
      set user_id = p_name
      from looked as l
      where
        l.is_theirs
        and l.is_settled
        and p.tenant_id = p_tenant
        and p.space_id = l.space_id
        and p.session_id = l.session_id
        and p.participant_id = l.participant_id
      returning p.participant_id
    )
  select
    (select count(*) from renamed),
    count(*) filter (where l.is_theirs and not l.is_settled) + (
      select count(*)
      from public.stage_looks as s
      where s.tenant_id = p_tenant and strpos(s.look::text, to_jsonb(p_user)::text) > 0
    ),
    max(l.place) filter (where l.nth = p_most)
  from looked as l;
$$;
