-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what admit and admit_exchange return: all that the tokens are made from. Its type is in
-- src/joins/admission.ts. stage, chat and signingKey are null if the vend has no such part.
create function admission_answer(
  p_tenant public.tenants,
  p_space public.spaces,
  p_role public.roles,
  p_key public.signing_keys,
  p_ivs_user text,
  p_issued_at timestamptz,
  p_used integer,
  p_stage boolean,
  p_chat boolean
)
returns jsonb
language sql
stable
as $$
  select
    jsonb_build_object(
      'ivsUserId', p_ivs_user,
      'tenant', jsonb_build_object(
        'id', p_tenant.id, 'region', p_tenant.region, 'awsRoleArn', p_tenant.aws_role_arn,
        'awsExternalId', p_tenant.aws_external_id
      ),
      'space', jsonb_build_object('id', p_space.id, 'name', p_space.name),
      'role', jsonb_build_object(
        'name', p_role.name, 'attributes', p_role.attributes, 'clientAttributes', p_role.client_attributes
      ),
      'issuedAt', p_issued_at, 'used', p_used,
      'stage', case
        when p_stage then jsonb_build_object(
            'arn', p_space.stage_arn, 'endpoints', p_space.stage_endpoints, 'endpointsAt', p_space.stage_endpoints_at,
            'capabilities', p_role.stage_capabilities, 'ttlSeconds', p_role.stage_ttl_seconds
          )
      end,
      'chat', case
        when p_chat then jsonb_build_object(
            'arn', p_space.room_arn, 'capabilities', p_role.chat_capabilities,
            'sessionMinutes', p_role.chat_session_minutes
          )
      end,
      'signingKey', case
        when p_key.id is not null then jsonb_build_object(
            'id', p_key.id, 'arn', p_key.arn, 'state', p_key.state, 'privateKey', encode(p_key.private_key, 'base64')
          )
      end
    );
$$;
