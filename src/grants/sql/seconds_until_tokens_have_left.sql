-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the number of seconds until no token can leave any more that was decided on before a ban. A token leaves
-- within the limit releaseWindowSeconds of its last check, or never. Null p_space means all spaces. A check that lies
-- ahead is from before the clock was set back. Then the whole limit is left.
create function seconds_until_tokens_have_left(p_tenant text, p_user text, p_space text, p_limits jsonb)
returns double precision
language plpgsql
as $$
declare
  v_window interval := limit_time(p_limits, 'releaseWindowSeconds');
begin
  return (
    select
      coalesce(
        extract(epoch from least(v_window, greatest(interval '0', max(checked_at) + v_window - clock_timestamp()))), 0
      )::double precision
    from public.grants
    where
      tenant_id = p_tenant
      and user_id = p_user
      and (p_space is null or space_id = p_space)
      and issued_at > now() - limit_time(p_limits, 'pendingSeconds')
      and state in ('released', 'watched')
  );
end;
$$;
