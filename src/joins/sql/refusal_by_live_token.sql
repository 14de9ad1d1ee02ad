-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit returns if a live token of the user keeps them from another one, or null. With 'first' each does,
-- but those of the grants p_repeats: the request is a repeat of the one that got them. With 'newest' a stage token does
-- if the vend names a participant who cannot exchange it: whoever has been replaced does not take the place back so.
-- until is the time at which the token does not count any more, and seconds the time until then; null: its participant
-- is on the stage, and the token has expired.
-- p_is_dry: it also returns what admit returns after it has begun to replace chat tokens, if a vend does not wait for
-- it.
create function refusal_by_live_token(
  p_tenant public.tenants,
  p_space public.spaces,
  p_user text,
  p_pseudonym text,
  p_stage boolean,
  p_chat boolean,
  p_staying text,
  p_repeats text[],
  p_is_dry boolean,
  p_limits jsonb
)
returns jsonb
language plpgsql
stable
as $$
declare
  v_tokens public.grants[] := array(
    select g from other_live_tokens(p_tenant, p_space, p_user, p_stage, p_chat, p_staying, p_limits) as g
  );
  v_refusal jsonb;
  v_seconds double precision;
begin
  select
    refusal('live_token') || jsonb_build_object(
      'kind', g.kind, 'grant', g.id, 'first', p_tenant.one_live_token = 'first', 'until', u.until,
      'seconds', case
        when u.until is not null then greatest(1, ceil(extract(epoch from u.until - clock_timestamp())))
      end
    )
  into v_refusal
  from
    unnest(v_tokens) as g
    cross join lateral (
      select
        case
          when g.state = 'pending' then g.issued_at + limit_time(p_limits, 'pendingSeconds')
          when g.session_expires_at > now() then g.session_expires_at
        end as until
    ) as u
  where (p_tenant.one_live_token = 'first' and g.id != all (p_repeats)) or (g.kind = 'stage' and p_staying is not null)
  order by g.session_expires_at desc
  limit 1;
  if v_refusal is null and p_is_dry then
    select
      extract(
        epoch from max(g.expires_at) + limit_time(p_limits, 'followUpSeconds') - clock_timestamp()
      )::double precision
    into v_seconds
    from unnest(v_tokens) as g
    where
      g.kind = 'chat'
      and g.state != 'pending'
      and g.expires_at > now()
      and g.ivs_user_id = case p_tenant.ivs_user_ids when 'plain' then p_user else p_pseudonym end;
    if v_seconds > limit_count(p_limits, 'disconnectWaitSeconds') then
      v_refusal := refusal('disconnecting') || jsonb_build_object('seconds', v_seconds);
    end if;
  end if;
  return v_refusal;
end;
$$;
