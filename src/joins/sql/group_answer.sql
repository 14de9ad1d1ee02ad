-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit_group returns. What several vends have in common stands there once; src/joins/group-answer.ts has
-- the type, and makes of it what admission_answer returns for each vend.
create function group_answer(
  p_tenant public.tenants,
  p_spaces public.spaces[],
  p_roles public.roles[],
  p_key public.signing_keys,
  p_issued_at timestamptz,
  p_vends jsonb,
  p_left jsonb
)
returns jsonb
language sql
stable
as $$
  select
    jsonb_build_object(
      'tenant', case
        when p_vends is not null then jsonb_build_object(
            'id', p_tenant.id, 'region', p_tenant.region, 'awsRoleArn', p_tenant.aws_role_arn,
            'awsExternalId', p_tenant.aws_external_id
          )
      end,
      'issuedAt', p_issued_at,
      'signingKey', case
        when p_key.id is not null then jsonb_build_object(
            'id', p_key.id, 'arn', p_key.arn, 'state', p_key.state, 'privateKey', encode(p_key.private_key, 'base64')
          )
      end,
      'spaces', array(
        select
          jsonb_build_object(
            'id', id, 'name', name, 'roomArn', room_arn,
            'stage', case
              when stage_arn is not null then jsonb_build_object(
                  'arn', stage_arn, 'endpoints', stage_endpoints, 'endpointsAt', stage_endpoints_at
                )
            end
          )
        from unnest(p_spaces)
      ),
      'roles', array(
        select
          jsonb_build_object(
            'name', name, 'attributes', attributes, 'clientAttributes', client_attributes,
            'stage', case
              when stage_ttl_seconds is not null then jsonb_build_object(
                  'capabilities', stage_capabilities, 'ttlSeconds', stage_ttl_seconds
                )
            end,
            'chat', case
              when chat_session_minutes is not null then jsonb_build_object(
                  'capabilities', chat_capabilities, 'sessionMinutes', chat_session_minutes
                )
            end
          )
        from unnest(p_roles)
      ),
      'vends', coalesce(p_vends, '[]'), 'left', coalesce(p_left, '[]')
    );
$$;
