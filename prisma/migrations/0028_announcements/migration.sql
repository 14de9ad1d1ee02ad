-- What happens by the clock, or by the last of many calls, has no request that tells of it. A background pass tells each once.

-- Whether the event ban.expired was written. Bans that ended before this migration are not told.
alter table bans add column expiry_told boolean not null default false;
update bans set expiry_told = true where expires_at <= now();
create index bans_expiry_untold on bans (expires_at) where expires_at is not null and lifted_at is null and not expiry_told;

-- Whether the event action.delivered was written, and when to look again whether the action is delivered. Actions that were
-- recorded before this migration are not told.
alter table actions add column delivery_told boolean not null default true;
alter table actions alter column delivery_told set default false;
alter table actions add column look_again_at timestamptz(3) not null default now();
create index actions_delivery_untold on actions (look_again_at) where not delivery_told;
-- When IVS first refused a call of the action to the service; null: it has refused none.
alter table actions add column stuck_at timestamptz(3);

drop policy crossing on bans; -- it was for select alone
create policy crossing on bans to stagedoor_crossing using (true);
grant update (expiry_told) on bans to stagedoor_crossing;
grant update (delivery_told, look_again_at) on actions to stagedoor_crossing;
