-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends the stage holds that a look has made unnecessary. No delivery about their grant is open, and one of two is true:
-- this step has found a demoted participant who does not exceed what they may do, and the grant had expired before it;
-- or the look that ends with this step has not found the participant, and the grant had expired before it began.
-- p_since is the beginning of that look; null: it goes on. It ends the limit cancelledAtOnce of each at most; the next
-- look ends more.
create function end_answered_holds(
  p_tenant text,
  p_space text,
  p_looked_at timestamptz,
  p_since timestamptz,
  p_connected jsonb,
  p_limits jsonb
)
returns void
language plpgsql
set plan_cache_mode = force_custom_plan
as $$
declare
  v_margin interval := limit_time(p_limits, 'lookMarginSeconds');
  v_most integer := limit_count(p_limits, 'cancelledAtOnce');
begin
  delete from public.holds
  where
    ctid = any (
      array(
        select ctid
        from public.holds
        where
          tenant_id = p_tenant
          and space_id = p_space
          and kind = 'stage'
          and watch_for = 'demoted'
          and participant_id = any (array(select key from jsonb_each(p_connected) where value ->> 'exceeds' = 'false'))
          and expires_at < p_looked_at - v_margin
          and watch_from < p_looked_at
          and not has_open_delivery(p_tenant, grant_id)
        limit v_most
      )
    );
  if p_since is null then
    return;
  end if;
  delete from public.holds
  where
    ctid = any (
      array(
        select ctid
        from public.holds
        where
          tenant_id = p_tenant
          and space_id = p_space
          and kind = 'stage'
          and expires_at < p_since - v_margin
          and watch_from < p_since
          and not coalesce(p_connected ? participant_id, false)
          and not coalesce(seen_at between p_since and p_looked_at, false)
          and not has_open_delivery(p_tenant, grant_id)
        limit v_most
      )
    );
end;
$$;
