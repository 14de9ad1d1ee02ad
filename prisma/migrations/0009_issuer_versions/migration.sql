-- Each change of an issuer gives it the next version. A caller is authenticated by one version, so a change ends what an
-- older version allowed in every replica at once.
alter table issuers add column version integer not null default 1;
-- A pair of issuer and audience stays reserved for its tenant for a while after the issuer was deleted.
alter table reservations add column released_at timestamptz(3);
grant select, delete on reservations to stagedoor_crossing;
create policy crossing on reservations to stagedoor_crossing using (true);
