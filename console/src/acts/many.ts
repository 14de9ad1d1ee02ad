/** Acts on many people in one go. */
import { mostPeople, readAll } from '../queries.ts';
import type { Grant, Participant, Role } from '../types.ts';

/** Whether a role is that of somebody who reads the chat from the console. They are no user of the space. */
export const isOfConsole = (role: string): boolean => role.startsWith('console:');

/** How many requests are under way at once. The service paces the acts of a tenant. */
const together = 4;

/** People who came within this time are new, in milliseconds. */
const newMs = 5 * 60_000;

/** The ids in a text, one a line, each once. */
export function idsIn(text: string): string[] {
  return [...new Set(text.split(/\r?\n/).map((line) => line.trim()))].filter((id) => id !== '');
}

/** Does something for each of some people, a few at a time. `act` does not throw. */
export async function forEach(people: string[], act: (userId: string) => Promise<void>): Promise<void> {
  const left = [...people];
  const work = async () => {
    for (let userId = left.shift(); userId !== undefined; userId = left.shift()) await act(userId);
  };
  await Promise.all(Array.from({ length: together }, work));
}

/**
 * Everybody who has joined a space, or has got a token for it, within five minutes, but for moderators, and for those whose role
 * is not known. @throws ApiProblem
 */
export async function newcomers(spaceId: string, roles: Role[], signal?: AbortSignal): Promise<string[]> {
  const since = new Date(Date.now() - newMs).toISOString();
  const [grants, participants] = await Promise.all([
    readAll<Grant>('/v1/grants', { spaceId, live: 'true' }, signal, mostPeople),
    readAll<Participant>(`/v1/spaces/${spaceId}/participants`, {}, signal, mostPeople),
  ]);
  const moderating = new Set(roles.filter(({ moderator }) => moderator).map(({ name }) => name));
  const came = [
    ...grants.filter(({ issuedAt }) => issuedAt >= since),
    ...participants.filter(({ joinedAt, userId }) => joinedAt !== undefined && joinedAt >= since && userId !== ''),
  ];
  return [
    ...new Set(
      came
        .filter(({ role }) => role !== undefined && !moderating.has(role) && !isOfConsole(role))
        .map(({ userId }) => userId),
    ),
  ];
}
