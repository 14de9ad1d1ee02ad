-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether somebody may be connected with the token of this grant. Deleting a signing key revokes what it signed,
-- but a participant who came in with such a token stays.
create function may_be_inside(p_grant public.grants)
returns boolean
language sql
immutable
as $$
  select p_grant.state in ('released', 'watched') or (p_grant.state = 'revoked' and p_grant.mint = 'key-pair');
$$;
