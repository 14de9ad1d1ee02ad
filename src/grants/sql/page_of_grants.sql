-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Finds a page of the ledger: {"ids": at most p_most ids, "end": the place of the last grant that it looked at, as
-- {"id", "at"}, null if it looked at all}. It looks at p_looked grants of grants_of_list. Of these it takes those of
-- p_user, of p_space, whose holder IVS knows as p_ivs_user, in p_state, and with p_live those whose token could be
-- used. Null takes all.
create function page_of_grants(
  p_tenant text,
  p_by text,
  p_value text,
  p_after_time timestamptz,
  p_before_time timestamptz,
  p_before text,
  p_user text,
  p_space text,
  p_state text,
  p_live boolean,
  p_now timestamptz,
  p_removed_keys text[],
  p_most integer,
  p_looked integer,
  p_ivs_user text
)
returns jsonb
language plpgsql
stable
as $$
begin
  return (
    with
      looked as materialized (
        select
          id, user_id, ivs_user_id, space_id, state_of_grant(g, p_now, p_removed_keys) as state,
          case p_by
            when 'user' then issued_at
            when 'space' then session_expires_at
            when 'expiry' then expires_at
          end as at
        from grants_of_list(p_tenant, p_by, p_value, p_after_time, p_before_time, p_before, p_looked) as g
      )
    select
      jsonb_build_object(
        'ids', array(
          select id
          from looked
          where
            (p_user is null or user_id = p_user)
            and (p_space is null or space_id = p_space)
            and (p_ivs_user is null or ivs_user_id = p_ivs_user)
            and state is not null
            and (p_state is null or state = p_state)
            and (p_live is not true or state in ('live', 'watched'))
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
