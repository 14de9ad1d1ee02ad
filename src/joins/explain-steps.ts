import type { Problem } from '../errors.ts';
import type { AdmissionFacts, Decision } from './admission-facts.ts';
import type { Refusal } from './admission-answers.ts';
import { refusalProblem } from './refusal-problem.ts';
import { admissionChecks, type Step } from './explain.schemas.ts';
import { type RoleQuestion, whyRole } from './explain-role.ts';

type AdmissionCheck = (typeof admissionChecks)[number];

/** What the steps of an explanation are made from. */
export interface StepsQuestion extends RoleQuestion {
  decision: Decision;
  /** What is asked for. */
  requested: { stage: boolean; chat: boolean };
  /** Whether the caller may know the id and the reason of a ban of the whole tenant. */
  seesTenantBans: boolean;
  vendsPerMinute: number;
  /** Why the attributes cannot be given; undefined: they can. */
  attributesProblem: Problem | undefined;
}

/** The check that makes a refusal. */
const checkOf: Record<Refusal['refused'], AdmissionCheck> = {
  credential: 'credential',
  tenant_suspended: 'tenant',
  space_unknown: 'space',
  space_closed: 'space',
  banned: 'ban',
  role_none: 'role',
  role_unknown: 'role',
  space_frozen: 'freeze',
  nothing_to_give: 'halves',
  disconnecting: 'disconnecting',
  space_full: 'capacity',
  rate: 'rate',
  live_token: 'live_token',
  replaced: 'live_token',
  too_slow: 'rate',
};

/** A step that a join does not come to. */
export function skipped(check: Step['check']): Step {
  return { check, outcome: 'skipped', because: 'A check before this one refuses, so a join does not come here.' };
}

/** The checks of a join after those of the JWT, each with its outcome. The first that refuses decides. */
export function admissionSteps(question: StepsQuestion): Step[] {
  const { decision, vendsPerMinute, attributesProblem } = question;
  const refused = 'refused' in decision ? decision : undefined;
  const problem = refused ? refusalProblem(refused, vendsPerMinute) : attributesProblem;
  const failing = refused ? checkOf[refused.refused] : attributesProblem ? 'attributes' : undefined;
  const at = failing === undefined ? Infinity : admissionChecks.indexOf(failing);
  return admissionChecks.map((check, index): Step => {
    if (index > at) return skipped(check);
    if (index < at || !problem) return { check, outcome: 'passed', because: whyPassed[check](question) };
    return { check, outcome: 'refused', because: whyRefused(question, check, problem, refused) };
  });
}

const whyPassed: Record<AdmissionCheck, (question: StepsQuestion) => string> = {
  credential: ({ read }) =>
    read ? `The issuer ${read.issuer.id} of the JWT is registered.` : 'The credential that asks is valid.',
  tenant: () => 'The tenant is active.',
  space: () => 'The space is open.',
  ban: ({ facts }) => whyNotBanned(facts),
  role: whyRole,
  freeze: ({ facts }) =>
    facts.space.isFrozen
      ? `The space is frozen, and the role ${facts.role?.name} moderates.`
      : 'The space is not frozen.',
  halves: whatIsGiven,
  disconnecting: whyNotDisconnected,
  capacity: ({ facts }) => whyNotFull(facts),
  rate: ({ decision, vendsPerMinute }) =>
    'used' in decision
      ? `The user got ${decision.used} tokens of a kind in the last minute. ${vendsPerMinute} are allowed.`
      : '',
  live_token: ({ facts }) => whyNoOtherToken(facts),
  attributes: () => 'The attributes of the role, and those of the request, may be given.',
};

function whyRefused(
  question: StepsQuestion,
  check: AdmissionCheck,
  problem: Problem,
  refused: Refusal | undefined,
): string {
  switch (check) {
    case 'ban':
      return refused?.refused === 'banned' ? whyBanned(question, refused) : problem.detail;
    case 'role':
      return whyRole(question);
    case 'space':
      return `${problem.detail} PATCH /v1/spaces/${question.spaceId} opens it.`;
    case 'freeze':
      return `${problem.detail} The role ${question.facts.role?.name} does not moderate. POST /v1/spaces/${question.spaceId}/unfreeze unfreezes it.`;
    case 'capacity': {
      const { users, capacity } = question.facts.space;
      return `${users} other users have a place, and the space has ${capacity} places. PATCH /v1/spaces/${question.spaceId} changes its capacity.`;
    }
    case 'live_token':
      return `${problem.detail} PATCH /v1/settings changes oneLiveToken, which is ${question.facts.oneLiveToken}.`;
    case 'attributes':
      return [problem.detail, ...(problem.errors ?? []).map(({ path, message }) => `${path} ${message}.`)].join(' ');
    default:
      return problem.detail;
  }
}

function whyBanned(
  { facts: { ban }, seesTenantBans }: StepsQuestion,
  { until, reason }: Extract<Refusal, { refused: 'banned' }>,
): string {
  const where = ban?.isOfTenant ? 'in the whole tenant' : 'in this space';
  const what = `The user is banned ${where}${until ? `, until ${until.toISOString()}` : ''}.`;
  if (ban?.isOfTenant && !seesTenantBans) return `${what} Only who moderates in the whole tenant can lift this.`;
  const why = reason === null ? '' : ` The reason is: ${reason}.`;
  return `${what}${why}${ban ? ` DELETE /v1/bans/${ban.id} lifts it.` : ''}`;
}

function whyNotBanned({ outrankedBans }: AdmissionFacts): string {
  return outrankedBans.length === 0
    ? 'No ban in force is against the user here.'
    : `A ban against the user does not bind them, because who made it is not of a higher rank. A join ends it first: ${outrankedBans.join(', ')}.`;
}

function whatIsGiven({ decision, requested, facts: { role, space } }: StepsQuestion): string {
  const stage = half('stage', 'stage' in decision ? decision.stage : undefined, requested.stage, space.hasStage);
  const chat = half('chat', 'chat' in decision ? decision.chat : undefined, requested.chat, space.hasRoom);
  return `${stage} ${chat}`;

  function half(
    what: 'stage' | 'chat',
    isGiven: boolean | undefined,
    isRequested: boolean,
    isInSpace: boolean,
  ): string {
    const inRole = (what === 'stage' ? role?.ttlSeconds : role?.sessionMinutes) ?? null;
    if (isGiven ?? (isRequested && isInSpace && inRole !== null)) return `There is a ${what} token.`;
    if (!isRequested) return `The request does not ask for a ${what} token.`;
    if (!isInSpace) return `There is no ${what} token, because the space has no ${what === 'chat' ? 'room' : what}.`;
    return `There is no ${what} token, because the role ${role?.name} has no ${what}.`;
  }
}

function whyNotDisconnected({ decision }: StepsQuestion): string {
  const seconds = 'seconds' in decision && !('refused' in decision) ? decision.seconds : null;
  return seconds === null
    ? 'No call of a moderator is about to disconnect the user from the chat room.'
    : 'A call that disconnects the user from the chat room is about to be over. A join waits for it, two seconds at most.';
}

function whyNotFull({ space: { capacity, users, hasPlace } }: AdmissionFacts): string {
  if (capacity === null) return 'The space has no capacity.';
  return hasPlace
    ? 'The user has a place in the space already.'
    : `${users} other users have a place, and the space has ${capacity} places.`;
}

function whyNoOtherToken({ oneLiveToken, liveTokens }: AdmissionFacts): string {
  if (oneLiveToken === 'off') return 'The tenant lets a user have several live tokens (oneLiveToken is off).';
  const setting = `A user may have one live token of a kind (oneLiveToken is ${oneLiveToken}).`;
  if (liveTokens.length === 0) return `${setting} This one has none that would stand against the join.`;
  const older = liveTokens.map(({ id, kind }) => `${id} (${kind})`).join(', ');
  return `${setting} A join revokes the older ones, and disconnects who came in with them: ${older}.`;
}
