-- Values of an issuer's role claim, each with the name of the role that it stands for (src/issuers/user-claims.ts).
alter table issuers add column roles jsonb not null default '{}';
