-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether somebody may be connected with the token of this grant. The deletion of a signing key revokes the grants
-- of its tokens, but does not disconnect participants who joined with them.
create function may_be_inside(p_grant public.grants)
returns boolean
language sql
immutable
as $$
  select p_grant.state in ('released', 'watched') or (p_grant.state = 'revoked' and p_grant.mint = 'key-pair');
$$;
