-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns a JSON value in which p_name stands wherever the text p_user stood as a whole, and without the words of a
-- reason. What only contains the text of p_user stays.
create function erased_json(p_data jsonb, p_user text, p_name text)
returns jsonb
language sql
immutable
as $$
  select
    case
      when jsonb_typeof(named) = 'object'
        and named ? 'reason' then named || jsonb_build_object('reason', null)
      else named
    end
  from (select replace(p_data::text, to_jsonb(p_user)::text, to_jsonb(p_name)::text)::jsonb as named) as replaced;
$$;
