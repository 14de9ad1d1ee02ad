-- The record stays: nothing that the service does deletes a ban, a grant, an action or a delivery, so the serving role may
-- not. What is to be deleted one day for its age goes through functions of stagedoor_crossing.
revoke delete on bans, grants, actions, deliveries from stagedoor_app;

-- The serving role writes an audit entry without its place in the hash chain and without its time. seal_audit gives the
-- entry its place, and the database the time.
revoke insert on audit from stagedoor_app;
grant insert (tenant_id, id, caller, action, space_id, user_id, subject, details, request_id) on audit to stagedoor_app;

-- mend_times brings holds forward after the clock of the database was set back.
grant update (watch_from) on holds to stagedoor_crossing;
