import type { Write } from '../api.ts';
import type { Action, Ban, UserNote } from '../types.ts';

/** An act that a person is asked about before it is done. */
export interface Act {
  /** What it is, as a question. */
  title: string;
  /** What it will do, in words. */
  will: string;
  /** The word on the button. */
  verb: string;
  /** Whether it takes something from somebody. */
  isHard: boolean;
  takesReason: boolean;
  request(reason: string | undefined): Pick<Write, 'method' | 'path' | 'body'>;
  /** The act that takes it back, where there is one, from the answer of the service. */
  undo?(answer: unknown): Act;
}

/** An act that was done, with the actions that the service has recorded and delivers: one for each person, or none. */
export interface Done {
  key: string;
  label: string;
  /** When the service had recorded it, in milliseconds of `performance.now()`. */
  since: number;
  actions: Action[];
  undo: Act | undefined;
}

/** Notes that an act was done now, under the key of its request. */
export function doneNow(key: string, label: string, actions: (Action | undefined)[], undo?: Act): Done {
  return { key, label, since: performance.now(), actions: actions.filter((one) => one !== undefined), undo };
}

/** The action in an answer of the service; undefined: it says nothing that is delivered, as a lift. */
export function actionIn(answer: unknown): Action | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  if ('action' in answer) return (answer.action ?? undefined) as Action | undefined;
  return 'targets' in answer ? (answer as Action) : undefined;
}

/** The longest reason that the service takes for every act, in characters. */
export const reasonLength = 128;

export interface BanChoice {
  userId: string;
  /** undefined: in all spaces. */
  spaceId: string | undefined;
  /** undefined: until it is lifted. */
  minutes: number | undefined;
  /** When this choice was first tried. The same choice is the same request, so that it is made once. */
  firstTry: Date;
}

export function banRequest({ userId, spaceId, minutes, firstTry }: BanChoice, reason: string | undefined) {
  const expiresAt = minutes === undefined ? undefined : new Date(firstTry.getTime() + minutes * 60_000).toISOString();
  const body = {
    userId,
    ...(spaceId !== undefined && { spaceId }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(reason !== undefined && { reason }),
  };
  return { method: 'POST', path: '/v1/bans', body } as const;
}

export function kickRequest(spaceId: string, userId: string, reason: string | undefined) {
  const path = `/v1/spaces/${spaceId}/users/${encodeURIComponent(userId)}/disconnect`;
  return { method: 'POST', path, body: reasonBody(reason) } as const;
}

export function deleteRequest(spaceId: string, messageId: string, userId: string, reason: string | undefined) {
  const path = `/v1/spaces/${spaceId}/messages/${messageId}/delete`;
  return { method: 'POST', path, body: { userId, ...reasonBody(reason) } } as const;
}

export function deleteNoteRequest({ id, userId }: UserNote) {
  return { method: 'DELETE', path: `/v1/users/${encodeURIComponent(userId)}/notes/${id}` } as const;
}

export function liftRequest({ id }: Ban) {
  return { method: 'DELETE', path: `/v1/bans/${id}`, body: {} } as const;
}

export function freezeRequest(spaceId: string, isFrozen: boolean, reason: string | undefined) {
  const path = `/v1/spaces/${spaceId}/${isFrozen ? 'unfreeze' : 'freeze'}`;
  return { method: 'POST', path, body: reasonBody(reason) } as const;
}

export function roleRequest(spaceId: string, userId: string, role: string, reason: string | undefined) {
  const path = `/v1/spaces/${spaceId}/users/${encodeURIComponent(userId)}/role`;
  return { method: 'POST', path, body: { role, ...reasonBody(reason) } } as const;
}

export function revokeRequest(userId: string, reason: string | undefined) {
  return { method: 'POST', path: `/v1/users/${encodeURIComponent(userId)}/revoke`, body: reasonBody(reason) } as const;
}

export function statusRequest(spaceId: string, status: 'open' | 'closed') {
  return { method: 'PATCH', path: `/v1/spaces/${spaceId}`, body: { status } } as const;
}

function reasonBody(reason: string | undefined): object {
  return reason === undefined ? {} : { reason };
}

/** How many calls to IVS an action still needs. */
export function leftOf({ targetCounts, targets }: Action): number {
  if (targetCounts) return targetCounts.pending + targetCounts.stuck;
  return targets.filter(({ state }) => state === 'pending' || state === 'stuck').length;
}
