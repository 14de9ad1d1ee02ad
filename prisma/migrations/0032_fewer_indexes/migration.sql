-- A vend of a signed token wrote into eight indexes of grants and five of audit. Now it writes into six and four
-- (docs/decisions/0036). `if not exists`: on a big table the operator builds an index concurrently before
-- (docs/operations.md).

-- For the rate, acts and the list of a user.
create index if not exists grants_newest_of_user on grants (tenant_id, user_id, issued_at);
drop index grants_of_user, grants_listed_by_user;

-- grants_of_space serves the list of a space too.
drop index grants_listed_by_space;

create index if not exists grants_expiring on grants (tenant_id, expires_at);
drop index grants_by_expiry;

create index if not exists audit_by_user on audit (tenant_id, user_id, at) where user_id is not null;
drop index audit_of_user;

-- The id of a space is unique in the whole deployment. So the index needs no tenant.
create index if not exists audit_in_space on audit (space_id, at) where space_id is not null;
drop index audit_of_space;

-- Almost all entries are of vends. A page of the whole log finds them.
create index if not exists audit_of_act on audit (tenant_id, action, id)
  where action not in ('space.join', 'stageToken.create', 'chatToken.create');
drop index audit_of_action;
