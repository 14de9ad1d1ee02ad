-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Builds the answer of admit when the user has used up their vends of a minute: the oldest of them ends its minute in
-- retryAfterSeconds.
create function refusal_by_rate(p_oldest timestamptz)
returns jsonb
language sql
stable
as $$
  select
    jsonb_build_object(
      'refused', 'rate',
      'retryAfterSeconds', greatest(1, ceil(extract(epoch from p_oldest + interval '1 minute' - now())))
    );
$$;
