import { CredentialRefused, invalid, notFound, Problem, rateLimited } from '../errors.ts';
import type { Refusal } from './admission-answers.ts';
import { vendLimit } from './vend-limit.ts';

/** What a join is answered that is refused. @param perMinute vends that a user may have in a minute. */
export function refusalProblem(refused: Refusal, perMinute: number): Problem {
  switch (refused.refused) {
    case 'credential':
      return new CredentialRefused();
    case 'tenant_suspended':
      return new Problem('forbidden', 'The tenant is suspended. It gets no tokens.');
    case 'space_unknown':
      return notFound('space');
    case 'space_closed':
      return new Problem('space_closed', 'The space is closed. Nobody gets tokens for it until it is opened again.');
    case 'space_frozen':
      return new Problem(
        'space_closed',
        'The space is frozen. Only moderators get tokens for it until it is unfrozen.',
      );
    case 'banned':
      return bannedProblem(refused);
    case 'role_none':
      return new Problem(
        'forbidden',
        'The user has no role in this space. They are no member, their JWT claims no role, and the space has no default role.',
      );
    case 'role_unknown':
      return invalid('role', 'must be a role of the tenant');
    case 'nothing_to_give':
      return nothingToGive(refused);
    case 'disconnecting':
      return new Problem(
        'unavailable',
        'A call that disconnects the user from the chat room is not over, and would close a new connection too. Try again, or ask for the stage token alone.',
        { retryAfterSeconds: Math.max(1, Math.ceil(refused.seconds)) },
      );
    case 'space_full':
      return new Problem('space_full', 'The space is full. Try again later.');
    case 'rate':
      return rateLimited(`A user gets at most ${perMinute} tokens of a kind in a minute.`, {
        ...vendLimit(perMinute),
        retryAfterSeconds: refused.retryAfterSeconds,
      });
    case 'live_token':
      return liveToken(refused);
    case 'replaced':
      return new Problem('conflict', 'A newer token of the user has taken the place of this one. It does not leave.');
    case 'too_slow':
      return new Problem('unavailable', 'The tokens were not made in time. Try again.');
  }
}

function bannedProblem({ until, reason }: Extract<Refusal, { refused: 'banned' }>): Problem {
  const what = until
    ? `You are banned until ${until.toISOString()}. Try again after that, or ask a moderator.`
    : 'You are banned; only a moderator can lift this.';
  return new Problem('banned', what, {
    extra: { until: until?.toISOString() ?? null, ...(reason && { reason }) },
  });
}

/** `Retry-After` is the end of the token. It is absent if nobody knows when the participant leaves. */
function liveToken({ kind, grant, until, seconds, first }: Extract<Refusal, { refused: 'live_token' }>): Problem {
  const which = `The ${kind} token of ${grant} counts until ${until?.toISOString() ?? 'its participant has left the stage'}.`;
  if (first) {
    return new Problem(
      'conflict',
      `The user has a live token in this space, and may have one of a kind. ${which} POST /v1/grants/${grant}/revoke ends it at once.`,
      seconds === null ? {} : { retryAfterSeconds: seconds },
    );
  }
  return new Problem(
    'conflict',
    `A request that names a participant takes no place of another token of the user: leave out participantId. ${which}`,
  );
}

function nothingToGive({ role, space }: Extract<Refusal, { refused: 'nothing_to_give' }>): Problem {
  const has = [space.stage && 'a stage', space.room && 'a chat room'].filter(Boolean).join(' and ');
  return new Problem(
    'forbidden',
    `The role ${role} gives none of the requested tokens in this space. The space has ${has}.`,
  );
}
