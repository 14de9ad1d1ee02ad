import { attributesProblem } from '../../state/attributes.ts';
import { type Call, find, invalid } from '../../state/call.ts';
import { iso } from '../../clock.ts';
import { randomId } from '../../ids.ts';
import { sealChatToken } from '../../chat/token-format.ts';
import type { CreateChatTokenRequest, CreateChatTokenResponse } from '../../chat/types.ts';

/** Minutes that a chat connection may last, when the input does not say (service model). */
const DEFAULT_SESSION_MINUTES = 60;

/** Makes an encrypted token. It opens one connection, within the time that a switch sets. */
export function createChatToken(call: Call, input: CreateChatTokenRequest): CreateChatTokenResponse {
  const { world, now } = call;
  const room = find(call, call.scope.rooms, input.roomIdentifier);
  const problem = attributesProblem(input.attributes, world.switches);
  if (problem) throw invalid('attributes', problem);
  const expiresAt = now + world.switches.chatTokenSeconds * 1000;
  const sessionExpiresAt = now + (input.sessionDurationInMinutes ?? DEFAULT_SESSION_MINUTES) * 60_000;
  const token = sealChatToken(
    {
      id: randomId(),
      roomArn: room.arn,
      userId: input.userId,
      capabilities: [...new Set(input.capabilities)],
      attributes: input.attributes ?? {},
      expiresAt,
      sessionExpiresAt,
    },
    world.secret,
  );
  return { token, tokenExpirationTime: iso(expiresAt), sessionExpirationTime: iso(sessionExpiresAt) };
}
