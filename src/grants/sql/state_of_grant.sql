-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the state of a grant that answers show; null for a grant whose token was never handed out. p_removed_keys are
-- keys that IVS has deleted: the rows of their grants follow in steps.
create function state_of_grant(p_grant public.grants, p_now timestamptz, p_removed_keys text[])
returns text
language sql
immutable
as $$
  select
    case
      when p_grant.state not in ('released', 'watched', 'revoked') then null
      when p_grant.state = 'revoked' then 'revoked'
      when p_grant.expires_at <= p_now then 'expired'
      when p_grant.signing_key_id = any (p_removed_keys) then 'revoked'
      when p_grant.state = 'watched' then 'watched'
      else 'live'
    end;
$$;
