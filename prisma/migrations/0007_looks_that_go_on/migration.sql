-- A look at a stage takes as many steps as the rates of IVS allow calls for. A watch keeps what the next step needs, and
-- what the last whole look was worth.
alter table watches
  add column began_at timestamptz(3) not null default clock_timestamp(),
  add column looked_at timestamptz(3), -- the beginning of the last whole look
  add column sweep jsonb, -- a look that is not whole yet; null: the next step begins one
  add column pages integer, -- number of pages of the list of everybody; at least so many, if a look has left the list
  add column last_error text, -- of a step, after the last one without an error
  add column failing_from timestamptz(3); -- from then on an act that rests on these looks is not delivered

-- The last step of a look that found the participant, if the look went on after it.
alter table holds add column seen_at timestamptz(3);

-- A step of a look finds the holds of those whom IVS has listed, and the users to ask IVS for.
create index holds_of_participant on holds (tenant_id, space_id, participant_id) where kind = 'stage';
create index holds_of_ivs_user on holds (tenant_id, space_id, ivs_user_id, watch_from) where kind = 'stage';
