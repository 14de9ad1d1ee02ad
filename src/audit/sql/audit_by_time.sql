-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the first p_looked entries of a list in the order of their time, the newest first: those of the user or of
-- the space p_value, and all with the same time as the last one. p_by is user or space. Only entries count from p_from
-- on, and before p_before_time or then with an id below p_before.
-- Each query names its index by the order of its ranks, as those of audit_looked_at do by theirs.
create function audit_by_time(
  p_tenant text,
  p_by text,
  p_value text,
  p_from timestamptz,
  p_before_time timestamptz,
  p_before text,
  p_looked integer
)
returns setof public.audit
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
as $$
declare
  v_found public.audit[];
begin
  if p_by = 'user' then
    v_found := array(
      select found.row
      from (
        select t as row, rank() over (order by user_id desc, at desc) as nth
        from public.audit as t
        where
          user_id is not null
          and tenant_id = p_tenant
          and (user_id, at) >= (p_value, p_from)
          and (user_id, at) <= (p_value, p_before_time)
          and (at, id) < (p_before_time, p_before)
      ) as found
      where found.nth <= p_looked
    );
  else
    v_found := array(
      select found.row
      from (
        select t as row, rank() over (order by space_id desc, at desc) as nth
        from public.audit as t
        where
          space_id is not null
          and tenant_id = p_tenant
          and (space_id, at) >= (p_value, p_from)
          and (space_id, at) <= (p_value, p_before_time)
          and (at, id) < (p_before_time, p_before)
      ) as found
      where found.nth <= p_looked
    );
  end if;
  return query select a.* from unnest(v_found) as a;
end;
$$;
