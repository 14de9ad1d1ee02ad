-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit returns if the user has used up their vends of a minute. After retryAfterSeconds the oldest of
-- them is a minute old.
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
