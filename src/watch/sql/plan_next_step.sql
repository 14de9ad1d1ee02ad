-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Notes in a watch what a step of a look was worth, and sets the time of the next step. p_step is as in finish_watch. A
-- step that somebody has asked for after p_looked_at stays due. After a step without an error, the acts that rested on
-- looks that failed are silenced if nothing else is open.
create function plan_next_step(p_tenant text, p_space text, p_looked_at timestamptz, p_step jsonb)
returns void
language plpgsql
as $$
declare
  v_fails boolean := p_step ? 'error';
  v_has_failed boolean := (
    select failing_from is not null
    from public.watches
    where tenant_id = p_tenant and space_id = p_space
  );
begin
  update public.watches
  set
    leased_until = 'epoch',
    next_at = case
      when next_at > p_looked_at then next_at
      else clock_timestamp() + make_interval(secs => (p_step ->> 'nextIn')::double precision)
    end,
    sweep = p_step -> 'sweep',
    pages = coalesce((p_step ->> 'pages')::integer, pages),
    looked_at = case when v_fails then looked_at else coalesce((p_step ->> 'since')::timestamptz, looked_at) end,
    last_error = p_step ->> 'error',
    failing_from = case
      when v_fails then least(
          failing_from, clock_timestamp() + make_interval(secs => (p_step ->> 'failsIn')::double precision)
        )
    end
  where tenant_id = p_tenant and space_id = p_space;
  if v_has_failed and not v_fails then
    perform
      silence_actions(
        p_tenant,
        array(
          select distinct action_id
          from public.holds
          where tenant_id = p_tenant and space_id = p_space and kind = 'stage'
        )
      );
  end if;
end;
$$;
