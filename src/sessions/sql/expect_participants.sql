-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes that people got stage tokens, so that their stages are looked at: for each space the time until which a token
-- can be used. The arrays are as long as each other.
create function expect_participants(p_tenants text[], p_spaces text[], p_until timestamptz[], p_limits jsonb)
returns void
language plpgsql
as $$
begin
  perform track_stage(e.tenant_id, e.space_id, e.until, p_limits)
  from (
    select *
    from unnest(p_tenants, p_spaces, p_until) as given (tenant_id, space_id, until)
    order by tenant_id, space_id -- the same order in every call, so that calls do not deadlock
  ) as e;
end;
$$;
