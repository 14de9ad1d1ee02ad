import type { PutRoleBody } from './roles.schemas.ts';

/**
 * The roles of a new tenant. The tenant may change them. Stage tokens are valid for 10 minutes only, because IVS cannot
 * revoke a token that was not used. No role has the chat capabilities DELETE_MESSAGE and DISCONNECT_USER: moderators act
 * through Stagedoor, which records what they do.
 */
export const builtInRoles: Readonly<Record<string, PutRoleBody>> = {
  host: builtIn(['PUBLISH', 'SUBSCRIBE'], true, 30),
  moderator: builtIn(['SUBSCRIBE'], true, 20),
  speaker: builtIn(['PUBLISH', 'SUBSCRIBE'], false, 10),
  viewer: builtIn(['SUBSCRIBE'], false, 0),
};

function builtIn(capabilities: ('PUBLISH' | 'SUBSCRIBE')[], moderator: boolean, rank: number): PutRoleBody {
  return {
    stage: { capabilities, ttlSeconds: 600 },
    chat: { capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 },
    moderator,
    rank,
    attributes: {},
    clientAttributes: [],
  };
}
