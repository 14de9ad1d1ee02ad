-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the hash of an audit entry. It covers the hash of the previous entry and every column, in an order and a form
-- that depend on no setting.
create function audit_digest(p_previous bytea, p_entry public.audit)
returns bytea
language sql
immutable
as $$
  select
    sha256(
      coalesce(p_previous, ''::bytea) || convert_to(
        jsonb_build_array(
          p_entry.tenant_id, p_entry.seq, p_entry.id, extract(epoch from p_entry.at)::numeric(20, 3), p_entry.caller,
          p_entry.action, p_entry.space_id, p_entry.user_id, p_entry.subject, p_entry.details, p_entry.request_id
        )::text,
        'UTF8'
      )
    );
$$;
