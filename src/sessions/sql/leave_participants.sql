-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes that everybody has left a session who was not there since p_not_since, by p_left_at; p_most at most, those who
-- joined first first. Returns how many. When nobody is left to note, p_listed_at is noted as the time of the look.
create function leave_participants(
  p_tenant text,
  p_space text,
  p_session text,
  p_not_since timestamptz,
  p_left_at timestamptz,
  p_listed_at timestamptz,
  p_most integer
)
returns bigint
language plpgsql
as $$
declare
  v_left bigint;
begin
  perform
  from public.stage_looks
  where tenant_id = p_tenant and space_id = p_space
  for no key update;
  select count(leave_participant(p, greatest(p_left_at, p.seen_at)))
  into v_left
  from (
    select *
    from public.stage_participants
    where
      (tenant_id, space_id, session_id) = (p_tenant, p_space, p_session)
      and left_at is null
      and seen_at < p_not_since
    order by joined_at, participant_id
    limit p_most
  ) as p;
  if v_left < p_most then
    update public.stage_sessions
    set listed_at = greatest(listed_at, p_listed_at)
    where (tenant_id, space_id, session_id) = (p_tenant, p_space, p_session);
  end if;
  return v_left;
end;
$$;
