-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit returns for a refusal with a code and no other fields.
create function refusal(p_code text)
returns jsonb
language sql
immutable
as $$
  select jsonb_build_object('refused', p_code);
$$;
