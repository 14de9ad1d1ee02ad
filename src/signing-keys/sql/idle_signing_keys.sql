-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists keys that can be removed: those whose import or deletion was interrupted, and retiring keys whose last token
-- expired at least p_expired_for ago. Imports younger than p_older_than are skipped, because a request may still be
-- working on them.
create function idle_signing_keys(p_older_than interval, p_expired_for interval, p_limit integer)
returns table (tenant_id text, id text)
language sql
stable
as $$
  select k.tenant_id, k.id
  from public.signing_keys as k
  where
    (k.state = 'importing' and k.created_at < now() - p_older_than)
    or k.state = 'deleting'
    or (k.state = 'retiring' and not signing_key_is_needed(k.tenant_id, k.id, now() - p_expired_for))
  limit p_limit;
$$;
