-- next_at moves with each attempt. needed_since keeps the time at which a delivery was due for the first time, so that its
-- age tells for how long somebody waits for it.
alter table deliveries add column needed_since timestamptz(3) not null default now();
update deliveries set needed_since = greatest(next_at, now()) where state in ('pending', 'stuck');
