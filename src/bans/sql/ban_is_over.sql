-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether a ban is over: lifted or expired. A ban that is not there is over.
create function ban_is_over(p_tenant text, p_ban text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return not exists (
    select
    from public.bans
    where
      tenant_id = p_tenant
      and id = p_ban
      and lifted_at is null
      and (expires_at is null or expires_at > clock_timestamp())
  );
end;
$$;
