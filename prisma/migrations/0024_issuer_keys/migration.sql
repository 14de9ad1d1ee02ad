-- An issuer can have several sources of keys at once, and says how long its JWTs may live.
alter table issuers drop constraint issuers_check;
alter table issuers add constraint issuers_keys check (num_nonnulls(jwks_uri, jwks, secret) >= 1);
alter table issuers add column secret_encoding text;
alter table issuers add column max_life_seconds integer not null default 86400;

-- What the last fetches from jwks_uri found. Null keys_usable and keys_fault: nobody has tried yet.
alter table issuers add column keys_usable integer;
alter table issuers add column keys_fetched_at timestamptz(3);
alter table issuers add column keys_fault text;
