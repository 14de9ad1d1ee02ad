import type { ExchangedParticipantToken } from '../realtime/types.ts';
import { iso } from '../clock.ts';
import type { ParticipantLife, Presence } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { unpublish } from './media.ts';
import { StageRefusal } from './refusal.ts';
import { mirrorMedia } from './replication.ts';
import { record } from './session.ts';
import { checkToken } from './token-check.ts';

/**
 * Replaces the token of a connected participant (AWS docs, token exchange). Both tokens must be self-signed, for the
 * same stage and the same participant id. If the new token does not allow to publish, the media of the participant
 * stops.
 *
 * @throws StageRefusal when the tokens do not belong together, or the new token is not valid.
 */
export function exchangeToken(world: World, presence: Presence, token: string): void {
  const { scope, stage, participant } = presence;
  const { claims, keyArn } = checkToken(world, token);
  const fits = claims.jti === participant.participant.participantId && claims.resource === stage.arn;
  if (!fits || !keyArn || participant.mint !== 'key-pair') {
    throw new StageRefusal(
      'TOKEN_EXCHANGE_REQUEST_INVALID',
      'the tokens must be self-signed, for one participant of one stage',
    );
  }
  const previousToken = describe(participant);
  participant.capabilities = {
    publish: claims.capabilities.allow_publish === true,
    subscribe: claims.capabilities.allow_subscribe === true,
  };
  participant.tokenExpiresAt = claims.exp * 1000;
  participant.keyArn = keyArn;
  participant.participant.userId = claims.user_id ?? '';
  participant.participant.attributes = claims.attributes ?? {};
  record(participant, world.clock.now(), { name: 'TOKEN_EXCHANGED', previousToken, newToken: describe(participant) });
  if (!participant.capabilities.publish) {
    unpublish(world, presence);
    mirrorMedia(world, { scope, stage, participant });
  }
}

function describe({ participant, capabilities, tokenExpiresAt }: ParticipantLife): ExchangedParticipantToken {
  return {
    capabilities: [
      ...(capabilities.publish ? ['PUBLISH' as const] : []),
      ...(capabilities.subscribe ? ['SUBSCRIBE' as const] : []),
    ],
    attributes: participant.attributes ?? {},
    userId: participant.userId ?? '',
    expirationTime: iso(tokenExpiresAt),
  };
}
