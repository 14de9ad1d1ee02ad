-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Checks a part of the hash chain of a tenant: the p_most places that end at p_to, null for the newest. Returns
-- {"head": the newest entry of the chain as {"id", "seq", "at", "hash"}, null if it is empty,
-- "waiting": how many entries are not in the chain yet, counted to p_most,
-- "from", "to": the places that were checked, null if the chain is empty,
-- "fault": the first of them whose entry is changed or missing, or the missing one before them, as {"seq", "id",
-- "problem"}, null if there is none}. That the newest entries were removed is not noticed. What the service has deleted
-- is not checked: "from" and "to" are null if p_to is there.
create function check_audit_chain(p_tenant text, p_to bigint, p_most integer)
returns jsonb
language plpgsql
stable
as $$
declare
  v_head public.audit;
  v_to bigint;
  v_from bigint;
  v_cut record;
begin
  -- Without a cut, the chain begins with the first entry.
  select case when o.hash is null then 0 else o.seq end as seq, o.hash into v_cut from oldest_place(p_tenant) as o;
  select *
  into v_head
  from public.audit as a
  where a.tenant_id = p_tenant and a.seq is not null
  order by a.seq desc
  limit 1;
  v_to := case when v_head.seq is not null and coalesce(p_to, v_head.seq) > v_cut.seq then least(p_to, v_head.seq) end;
  v_from := case when v_to is not null then greatest(v_to - p_most + 1, v_cut.seq + 1) end;
  return jsonb_build_object(
    'head', case
      when v_head.seq is not null then jsonb_build_object(
          'id', v_head.id, 'seq', v_head.seq, 'at', v_head.at, 'hash', encode(v_head.hash, 'hex')
        )
    end,
    'waiting', (
      select count(*)
      from (
        (select from public.audit as a where a.tenant_id = p_tenant and a.seq is null limit p_most)
        union all
        (select from public.unsealed_vends as v where v.tenant_id = p_tenant limit p_most)
        union all
        (
          select
          from
            public.unsealed_groups as g
            cross join vends_of_group(g)
          where g.tenant_id = p_tenant
          limit p_most
        )
        limit p_most
      ) as unsealed
    ),
    'from', v_from, 'to', v_to,
    'fault', (
      select
        jsonb_build_object(
          'seq', place.seq, 'id', a.id, 'problem', case when a.id is null then 'missing' else 'changed' end
        )
      from
        generate_series(greatest(v_from - 1, v_cut.seq + 1), v_to) as place (seq)
        left join public.audit as a on a.tenant_id = p_tenant and a.seq = place.seq
        left join public.audit as b on b.tenant_id = p_tenant and b.seq = place.seq - 1
      where
        a.id is null
        or (
          place.seq >= v_from
          and a.hash is distinct from audit_digest(
            coalesce(b.hash, case when place.seq = v_cut.seq + 1 then v_cut.hash end), a
          )
        )
      order by place.seq
      limit 1
    )
  );
end;
$$;
