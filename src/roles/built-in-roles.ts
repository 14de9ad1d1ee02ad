import type { PutRoleBody } from './roles.schemas.ts';

/**
 * The roles every tenant starts with, and may change. Stage tokens live 10 minutes, since IVS cannot revoke one that was
 * not used. None carries IVS's own DELETE_MESSAGE or DISCONNECT_USER: acts go through the service, where they are recorded.
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
  };
}
