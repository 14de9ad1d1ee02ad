-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says how old the oldest erasure and the oldest end of a tenant are that are not finished, in seconds since they were
-- asked for; 0 if there is none.
create function oldest_erasures()
returns table (erasure double precision, tenant_end double precision)
language sql
stable
as $$
  select
    (
      select coalesce(greatest(extract(epoch from clock_timestamp() - min(requested_at)), 0), 0)::double precision
      from public.erasures
      where finished_at is null
    ),
    (
      select coalesce(greatest(extract(epoch from clock_timestamp() - min(requested_at)), 0), 0)::double precision
      from public.tenant_ends
      where ended_at is null
    );
$$;
