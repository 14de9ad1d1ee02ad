-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns which master key has sealed a value: its id; 'unnamed' if the value does not say, because the key is the one
-- that the deployment began with. Null stands for no value.
create function seal_of(p_sealed bytea)
returns text
language sql
immutable
as $$
  select
    case
      when p_sealed is null
        or p_sealed = '' then null
      when get_byte(p_sealed, 0) = 1 then 'unnamed'
      else encode(substr(p_sealed, 2, 4), 'hex')
    end;
$$;
