-- Whether a user may have several live tokens of a kind in a space (docs/decisions/0060). It stands with the tenant, and not with
-- its other settings, because each vend reads this row.
alter table tenants add column one_live_token text not null default 'off'
  check (one_live_token in ('off', 'newest', 'first'));
