-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether a transaction of this database writes now whose id is lower than this one. pg_locks shows the ids of all
-- transactions. Transactions of other databases of the cluster do not count, and need not end.
create function writer_from_before(p_id bigint)
returns boolean
language plpgsql
as $$
begin
  return p_id >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  and exists (
    select
    from
      pg_catalog.pg_locks as l
      left join pg_catalog.pg_stat_activity as a on a.pid = l.pid
    where
      l.locktype = 'transactionid'
      and l.mode = 'ExclusiveLock'
      and l.granted
      and age(l.transactionid) > age((p_id % 4294967296)::text::xid)
      and (
        a.datid is null
        or a.datid = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
      )
  );
end;
$$;
