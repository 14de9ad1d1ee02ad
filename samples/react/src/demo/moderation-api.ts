import { type Configuration, userToken } from '../configuration.ts';

/** What the demo reads of an action of the service. */
export interface Action {
  id: string;
  state: 'pending' | 'delivered';
  createdAt: string;
  /** When the last connection that the action concerns was gone. */
  silencedAt?: string;
}

/** One act of the moderator in the list of the page. */
export interface Act {
  key: number;
  what: string;
  /** When the button was pressed: `performance.now()`. */
  beganAt: number;
  /** What is told of the end: nobody is left, or it is done. */
  ending: 'silent' | 'done';
  state: 'asked' | 'pending' | 'ended' | 'refused';
  /** From the record of the act to its end, by the clock of the service. */
  tookMs?: number;
  problem?: string;
}

function isUnderWay({ state }: Act): boolean {
  return state === 'asked' || state === 'pending';
}

const LOOK_MS = 250;
const GIVE_UP_MS = 60_000;

/**
 * What a moderator does, as calls of the service with their own JWT. The service checks their role each time: hiding a button
 * is no protection, and is not needed for one.
 */
export class ModerationApi {
  readonly #url: string;
  readonly #userId: string;
  readonly #listeners = new Set<() => void>();
  #acts: readonly Act[] = [];
  #count = 0;

  constructor({ url = globalThis.location.origin }: Configuration, userId: string) {
    this.#url = url;
    this.#userId = userId;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The newest acts, the newest first. */
  acts = (): readonly Act[] => this.#acts;

  deleteMessage(spaceId: string, messageId: string): Promise<void> {
    const path = `/v1/spaces/${spaceId}/messages/${encodeURIComponent(messageId)}/delete`;
    return this.#act('Delete a message', () => this.#call<Action>('POST', path, {}));
  }

  kick(spaceId: string, userId: string): Promise<void> {
    const path = `/v1/spaces/${spaceId}/users/${encodeURIComponent(userId)}/disconnect`;
    return this.#act(`Kick ${userId}`, () => this.#call<Action>('POST', path, {}), 'silent');
  }

  ban(spaceId: string, userId: string, reason: string): Promise<void> {
    const body = { userId, spaceId, ...(reason && { reason }) };
    return this.#act(
      `Ban ${userId}`,
      async () => (await this.#call<{ action: Action }>('POST', '/v1/bans', body)).action,
      'silent',
    );
  }

  /** Lifts every ban of the user in the space. */
  lift(spaceId: string, userId: string): Promise<void> {
    const query = new URLSearchParams({ userId, spaceId, active: 'true' });
    return this.#act(`Lift the ban of ${userId}`, async () => {
      const { data } = await this.#call<{ data: { id: string }[] }>('GET', `/v1/bans?${query}`);
      if (data.length === 0) throw new Error(`${userId} is not banned.`);
      for (const { id } of data) await this.#call('DELETE', `/v1/bans/${id}`, {});
    });
  }

  changeRole(spaceId: string, userId: string, role: string): Promise<void> {
    const path = `/v1/spaces/${spaceId}/users/${encodeURIComponent(userId)}/role`;
    return this.#act(`Make ${userId} a ${role}`, async () => {
      const { action } = await this.#call<{ action: Action | null }>('POST', path, { role });
      return action ?? undefined;
    });
  }

  freeze(spaceId: string): Promise<void> {
    return this.#act(
      'Freeze the space',
      () => this.#call<Action>('POST', `/v1/spaces/${spaceId}/freeze`, {}),
      'silent',
    );
  }

  unfreeze(spaceId: string): Promise<void> {
    return this.#act('Unfreeze the space', async () => {
      await this.#call('POST', `/v1/spaces/${spaceId}/unfreeze`, {});
    });
  }

  /** Does something, and follows its action until the last connection that it concerns is gone. */
  async #act(what: string, call: () => Promise<Action | void>, ending: Act['ending'] = 'done'): Promise<void> {
    // A double click is one act: nobody means to ban somebody twice at the same moment.
    if (ending === 'silent' && this.#acts.some((act) => act.what === what && isUnderWay(act))) return;
    const key = ++this.#count;
    this.#change([{ key, what, beganAt: performance.now(), ending, state: 'asked' }, ...this.#acts.slice(0, 5)]);
    try {
      let action = await call();
      if (!action) return this.#update(key, { state: 'ended' });
      this.#update(key, { state: 'pending' });
      const giveUpAt = performance.now() + GIVE_UP_MS;
      while (action.state === 'pending' && !action.silencedAt && performance.now() < giveUpAt) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        action = await this.#call<Action>('GET', `/v1/actions/${action.id}`);
      }
      if (!action.silencedAt) return this.#update(key, { state: action.state === 'delivered' ? 'ended' : 'pending' });
      const tookMs = Date.parse(action.silencedAt) - Date.parse(action.createdAt);
      this.#update(key, { state: 'ended', tookMs });
    } catch (error) {
      this.#update(key, { state: 'refused', problem: (error as Error).message });
    }
  }

  #update(key: number, change: Partial<Act>): void {
    this.#change(this.#acts.map((act) => (act.key === key ? { ...act, ...change } : act)));
  }

  #change(acts: readonly Act[]): void {
    this.#acts = acts;
    for (const listener of this.#listeners) listener();
  }

  /** Sends a request. @throws Error with the words of the service if it is refused. */
  async #call<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${await userToken(this.#userId)}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Answer & { detail?: string };
    if (!response.ok) throw new Error(answer.detail ?? `The service answered ${response.status}.`);
    return answer;
  }
}
