-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Builds the answer of admit that refuses for a reason that needs no further words.
create function refusal(p_code text)
returns jsonb
language sql
immutable
as $$
  select jsonb_build_object('refused', p_code);
$$;
