-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns rank_of a user for an act against them. It takes their lock first. So it sees every role that a vend gave
-- them before, and no vend gives them another one until the act is on record.
create function rank_to_act_on(p_tenant text, p_space text, p_user text, p_limits jsonb)
returns integer
language plpgsql
as $$
begin
  perform lock_user(p_tenant, p_user, true);
  return rank_of(p_tenant, p_space, p_user, p_limits);
end;
$$;
