-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Ends the lease of a look. p_since is its beginning, p_active the session that it found. One that is not whole goes on
-- in p_next_in, with p_look; null: it begins anew then.
-- While somebody is there the next look is after p_every. While nobody is there, but may come, the looks become rarer
-- the longer there is no news, up to p_rarely. Else there is none until there is news.
create function finish_stage_look(
  p_tenant text,
  p_space text,
  p_since timestamptz,
  p_active text,
  p_is_whole boolean,
  p_look jsonb,
  p_error text,
  p_next_in interval,
  p_every interval,
  p_rarely interval,
  p_limits jsonb
)
returns void
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_is_open boolean := exists (
    select from public.stage_sessions where tenant_id = p_tenant and space_id = p_space and ended_at is null
  );
begin
  update public.stage_looks
  set
    leased_until = 'epoch',
    look = p_look,
    last_error = p_error,
    looked_at = case when p_is_whole then p_since else looked_at end,
    active_session = case when p_is_whole then p_active else active_session end,
    next_at = case
      when not p_is_whole then v_now + p_next_in
      when news_at >= p_since then v_now + least(limit_time(p_limits, 'newsLookSeconds'), p_every)
      when p_active is not null
        or v_is_open then v_now + p_every
      when expected_until > v_now then v_now + least(greatest((v_now - news_at) / 2, p_every), p_rarely)
    end
  where tenant_id = p_tenant and space_id = p_space;
end;
$$;
