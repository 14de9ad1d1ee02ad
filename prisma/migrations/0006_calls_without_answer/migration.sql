-- IVS may carry out a call after its connection was cut. lands_until is the time until which it may carry out an attempt of
-- the delivery whose answer never came.
alter table deliveries add column lands_until timestamptz(3) not null default 'epoch';

-- For vends of chat tokens: the calls that would close a connection of the user.
create index deliveries_of_user on deliveries (tenant_id, arn, target)
  where operation = 'DisconnectUser' and (state in ('pending', 'stuck') or lands_until > 'epoch');
