-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Reads the requests that admit_group gets. The columns have the meaning of the parameters of admit. nth is the place
-- in the group.
create function vend_requests(p_requests jsonb)
returns table (
  nth integer,
  kind text,
  credential text,
  caller jsonb,
  space text,
  "user" text,
  pseudonym text,
  asked text,
  claimed text[],
  stage_grant text,
  chat_grant text,
  participant text,
  staying text,
  entry text,
  action text,
  request text
)
language sql
immutable
as $$
  select *
  from
    jsonb_to_recordset(p_requests) as r (
      nth integer,
      kind text,
      credential text,
      caller jsonb,
      space text,
      "user" text,
      pseudonym text,
      asked text,
      claimed text[],
      stage_grant text,
      chat_grant text,
      participant text,
      staying text,
      entry text,
      action text,
      request text
    );
$$;
