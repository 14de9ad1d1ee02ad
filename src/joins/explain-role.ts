import type { ReadToken } from '../issuers/token-reader.ts';
import { claimAt } from '../issuers/user-claims.ts';
import type { AdmissionFacts } from './admission-facts.ts';
import type { ExplainedRole } from './explain.schemas.ts';

/** Longest value of a claim that an explanation repeats, in characters. */
const shownLength = 200;

/** Largest number of names that an explanation lists. */
const shownNames = 50;

/** What a join knows about the role of a user. */
export interface RoleQuestion {
  spaceId: string;
  /** The role that an API key names. */
  asked: string | undefined;
  /** The JWT with which the user would join; undefined: an API key would join for them. */
  read: ReadToken | undefined;
  facts: AdmissionFacts;
}

/** The role that the user has, and where it comes from; undefined: they have none. */
export function roleOf({ asked, facts }: RoleQuestion): ExplainedRole | undefined {
  const { role, member, claimed } = facts;
  if (!role) return undefined;
  const from =
    asked !== undefined ? 'request' : member?.binds ? 'member' : claimed !== null ? 'claim' : ('default' as const);
  return { name: role.name, from };
}

/** Says in words why the user has their role, or none: what was looked at, in the order in which it counts. */
export function whyRole(question: RoleQuestion): string {
  const { asked, facts } = question;
  if (asked !== undefined) {
    return facts.role
      ? `The request names the role ${asked}. It counts before all others.`
      : `The request names the role ${asked}. ${noSuchRole(facts)} Name one of these, or define the role with PUT /v1/roles/${encodeURIComponent(asked)}.`;
  }
  return [result(question), member(question), claim(question), byDefault(facts)].join(' ');
}

function result(question: RoleQuestion): string {
  const role = roleOf(question);
  switch (role?.from) {
    case 'member':
      return `The role is ${role.name}, by membership.`;
    case 'claim':
      return `The role is ${role.name}, by a claim of the JWT.`;
    case 'default':
      return `The role is ${role.name}, the default role of the space.`;
    default:
      return 'The user has no role in this space.';
  }
}

function member({ spaceId, facts: { member: row } }: RoleQuestion): string {
  if (!row) {
    return `1. Membership: the user is no member of the space. PUT /v1/spaces/${spaceId}/members/{userId} makes them one.`;
  }
  if (row.binds) return `1. Membership: the user is a member with the role ${row.role}, so nothing after it counts.`;
  return `1. Membership: the user is a member with the role ${row.role}. It does not count, because a moderator of rank ${row.byRank} gave it, and the role that the JWT claims has this rank or a higher one.`;
}

function claim({ read, facts }: RoleQuestion): string {
  if (!read) {
    return '2. Claim: an API key joins for the user, so no JWT is looked at. Send token to see what the user’s own join is answered.';
  }
  const { id, claims: paths, roles: mapped } = read.issuer;
  if (paths.role === undefined) {
    return `2. Claim: the issuer ${id} reads no role from its JWTs, because its claims.role is not set. PATCH /v1/issuers/${id} sets it.`;
  }
  const value = claimAt(read.claims, paths.role);
  if (value === undefined) {
    return `2. Claim: the issuer ${id} reads the role from the claim ${paths.role}, and the JWT has no such claim. It has: ${listed(Object.keys(read.claims).sort())}. Let the identity provider send the claim, or name another one with PATCH /v1/issuers/${id}.`;
  }
  const holds = `2. Claim: the issuer ${id} reads the role from the claim ${paths.role}, which holds ${shown(value)}`;
  if (facts.claimed !== null) {
    return `${holds}. ${counts(facts.claimed, read)}`;
  }
  if (read.caller.roles.length === 0) {
    return `${holds}. Only text that can be the name of a role counts, or an array of such texts.`;
  }
  const names = Object.keys(mapped).length > 0 ? `The issuer’s roles make of it: ${listed(read.caller.roles)}. ` : '';
  return `${holds}. ${names}${noSuchRole(facts)} Map the value to one of these with roles in PATCH /v1/issuers/${id}, or define the role with PUT /v1/roles/{name}.`;
}

/** Why the claimed role is this one. */
function counts(claimed: string, { caller: { roles } }: ReadToken): string {
  if (roles.length === 1) return `It stands for the role ${claimed}.`;
  return `It stands for ${listed(roles)}. ${claimed} counts: of those that the tenant has, it has the highest rank.`;
}

function byDefault({ space: { defaultRole } }: AdmissionFacts): string {
  return defaultRole === null
    ? '3. Default: the space has no default role. PATCH of the space sets defaultRole.'
    : `3. Default: the space gives ${defaultRole} to everybody without another role.`;
}

function noSuchRole({ roles }: AdmissionFacts): string {
  return roles.length === 0
    ? 'The tenant has no roles.'
    : `The tenant has no such role. Its roles are: ${listed(roles)}.`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}

function listed(names: readonly string[]): string {
  const some = names
    .slice(0, shownNames)
    .map((name) => (name.length > shownLength ? `${name.slice(0, shownLength)}…` : name));
  return names.length > shownNames ? `${some.join(', ')} and ${names.length - shownNames} more` : some.join(', ');
}
