-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether somebody may be connected with the token of this grant, or may still connect with it. A revoked stage
-- grant counts too. The deletion of a signing key revokes the grants of its tokens, but does not disconnect
-- participants who joined with them. And an accepted DisconnectParticipant revokes the grant of a token that IVS made,
-- but it is not known whether IVS accepts it for a participant who never joined, and then refuses their token.
create function may_be_inside(p_grant public.grants)
returns boolean
language sql
immutable
as $$
  select p_grant.state in ('released', 'watched') or (p_grant.state = 'revoked' and p_grant.mint is not null);
$$;
