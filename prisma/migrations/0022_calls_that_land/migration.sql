-- For mending times after the clock was set back: the calls that IVS may still carry out. There are few.
create index if not exists deliveries_landing on deliveries (lands_until) where lands_until > 'epoch';
