-- The watchdog counts the disconnections of the last minutes.
create index deliveries_disconnected on deliveries (done_at) where operation = 'DisconnectParticipant' and state = 'done';
