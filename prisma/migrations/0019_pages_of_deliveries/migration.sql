-- For pages of the deliveries of an action, and for their number in each state. It serves what deliveries_of_action served.
create index deliveries_of_action_by_state on deliveries (tenant_id, action_id, state, id);
drop index deliveries_of_action;

-- For the list of the pending actions of a tenant.
create index deliveries_open_of_action on deliveries (tenant_id, action_id) where state in ('pending', 'stuck');
