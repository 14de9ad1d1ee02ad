-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Counts the acts of a tenant since a time, to p_most at most.
create function acts_since(p_tenant text, p_since timestamptz, p_most integer)
returns integer
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select count(*)::integer
    from (select from public.actions where tenant_id = p_tenant and created_at > p_since limit p_most) as acts
  );
end;
$$;
