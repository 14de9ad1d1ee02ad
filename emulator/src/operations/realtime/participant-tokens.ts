import { attributesProblem } from '../../state/attributes.ts';
import { idOf } from '../../arns.ts';
import { type Call, find, invalid } from '../../state/call.ts';
import { iso } from '../../clock.ts';
import { randomId } from '../../ids.ts';
import { makeAwsToken } from '../../realtime/token-format.ts';
import type {
  CreateParticipantTokenRequest,
  CreateParticipantTokenResponse,
  ParticipantToken,
  ParticipantTokenCapability,
  ParticipantTokenConfiguration,
  Stage,
} from '../../realtime/types.ts';

/** The life of a token in minutes, when the input does not say (AWS docs). */
const DEFAULT_DURATION_MINUTES = 720;

export function createParticipantToken(
  call: Call,
  input: CreateParticipantTokenRequest,
): CreateParticipantTokenResponse {
  const stage = find(call, call.scope.stages, input.stageArn);
  return { participantToken: mintToken(call, stage, input, '') };
}

/**
 * Makes a token for a stage, with a new participant id.
 *
 * @param path The place of the configuration in the input, for error messages.
 */
export function mintToken(
  call: Call,
  stage: Stage,
  configuration: ParticipantTokenConfiguration,
  path: string,
): ParticipantToken {
  const { switches } = call.world;
  const problem = attributesProblem(configuration.attributes, switches);
  if (problem) throw invalid(`${path}attributes`, problem);
  const duration = configuration.duration ?? DEFAULT_DURATION_MINUTES;
  const capabilities = capabilitiesOf(call, configuration.capabilities, path);
  const participantId = randomId();
  const issuedAt = Math.floor(call.now / 1000);
  const expiresAt = issuedAt + duration * 60;
  const { userId, attributes } = configuration;
  const token = makeAwsToken(
    {
      exp: expiresAt,
      iat: issuedAt,
      jti: participantId,
      resource: stage.arn,
      topic: idOf(stage.arn),
      events_url: stage.endpoints?.events ?? '',
      whip_url: stage.endpoints?.whip ?? '',
      ...(userId !== undefined && { user_id: userId }),
      ...(attributes && { attributes }),
      capabilities: {
        ...(capabilities.includes('PUBLISH') && { allow_publish: true }),
        ...(capabilities.includes('SUBSCRIBE') && { allow_subscribe: true }),
      },
      version: '1.0',
    },
    call.world.secret,
  );
  return {
    participantId,
    token,
    ...(userId !== undefined && { userId }),
    ...(attributes && { attributes }),
    duration,
    capabilities,
    expirationTime: iso(expiresAt * 1000),
  };
}

function capabilitiesOf(
  call: Call,
  wanted: ParticipantTokenCapability[] | undefined,
  path: string,
): ParticipantTokenCapability[] {
  if (!wanted) return ['PUBLISH', 'SUBSCRIBE'];
  if (wanted.length > 0) return [...new Set(wanted)];
  const { emptyCapabilities } = call.world.switches;
  if (emptyCapabilities === 'invalid') throw invalid(`${path}capabilities`, 'must not be empty');
  return emptyCapabilities === 'both' ? ['PUBLISH', 'SUBSCRIBE'] : [];
}
