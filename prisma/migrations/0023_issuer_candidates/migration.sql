-- An issuer names the claim that holds its audience. The same audience in two claims is two issuers: Amazon Cognito has it
-- in `aud` of an ID token and in `client_id` of an access token.
alter table issuers add column audience_claim text not null default 'aud';
alter table issuers drop constraint issuers_tenant_id_issuer_audience_key;
alter table issuers add unique (tenant_id, issuer, audience, audience_claim);

-- For tenant_of_space: the owner of the space in the path chooses among the issuers that fit a token.
create index if not exists spaces_by_id on spaces (id);
