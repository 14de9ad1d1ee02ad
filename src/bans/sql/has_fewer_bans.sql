-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a tenant has fewer than p_than bans in force. It counts them seldom, because a tenant may have tens of
-- thousands: since the last count no more bans can have come into force than acts. It may take a minute before others
-- see the act of a transaction.
create function has_fewer_bans(p_tenant text, p_than integer, p_limits jsonb)
returns boolean
language plpgsql
as $$
declare
  v_most integer := limit_count(p_limits, 'actsBetweenCounts');
  v_last record;
  v_acts integer;
  v_bans integer;
begin
  select * into v_last from last_count_of_bans(p_tenant);
  if v_last.counted < p_than then
    v_acts := acts_since(p_tenant, v_last.counted_at - interval '1 minute', v_most);
    if v_acts < v_most and v_last.counted + v_acts < p_than then
      return true;
    end if;
  end if;
  v_bans := bans_in_force(p_tenant, p_than);
  if v_bans < p_than then
    perform note_count_of_bans(p_tenant, v_bans);
  end if;
  return v_bans < p_than;
end;
$$;
