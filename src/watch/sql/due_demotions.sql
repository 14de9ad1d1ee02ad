-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the demoted participants of a space whose events are to be read now, the longest waiting first: {
-- "participantId", "since": time of the change of role, "allowed": capabilities of the lesser token, "seenAt": time of
-- the last step that found them }.
create function due_demotions(p_tenant text, p_space text)
returns setof jsonb
language sql
as $$
  select
    jsonb_build_object(
      'participantId', h.participant_id, 'since', max(a.created_at),
      'allowed', to_jsonb(capabilities_of_participant(p_tenant, h.participant_id)), 'seenAt', max(h.seen_at)
    )
  from
    public.holds as h
    cross join lateral describe_action(p_tenant, h.action_id) as a
  where
    h.tenant_id = p_tenant
    and h.space_id = p_space
    and h.watch_for = 'demoted'
    and h.watch_from <= clock_timestamp()
    and h.participant_id is not null
  group by h.participant_id
  order by min(h.watch_from);
$$;
