-- Signed places of the hash chains of the audit log. The oldest entry that is kept is the first one, or follows a cut.
create table audit_checkpoints (
  tenant_id text not null,
  seq bigint not null,
  is_cut boolean not null, -- the service has deleted the entries to this place; false: it was the newest entry, or is on the way to it
  hash bytea not null, -- of the entry at this place
  at timestamptz(3) not null, -- when it was signed
  key text not null, -- the public key (Ed25519), in base64url
  signature bytea not null,
  primary key (tenant_id, seq, is_cut)
);

alter table audit_checkpoints enable row level security;
alter table audit_checkpoints force row level security;
create policy serving on audit_checkpoints to stagedoor_app using (true) with check (true);
create policy tenant on audit_checkpoints as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on audit_checkpoints to stagedoor_crossing using (true);
grant select, insert on audit_checkpoints to stagedoor_app;
grant select, delete on audit_checkpoints to stagedoor_crossing;
grant delete on audit to stagedoor_crossing;
