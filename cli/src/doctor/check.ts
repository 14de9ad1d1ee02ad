import { setTimeout as sleep } from 'node:timers/promises';
import { StagedoorProblem } from '@stagedoor/client/server';

/** `unknown`: it cannot be told from here. */
export type Outcome = 'ok' | 'warning' | 'failed' | 'unknown';

/** One thing that the doctor has looked at. */
export interface Check {
  check: string;
  outcome: Outcome;
  /** What was found, and for checks of the command line what to do, too. */
  found: string;
  /** What to do, as the service says; null: nothing. */
  remedy?: string | null;
}

/** An answer of the service, whatever it is. */
export interface Answer {
  status: number;
  body: Record<string, unknown>;
  text: string;
  headers: Headers;
  /** Time from the request to the answer, in milliseconds. */
  tookMs: number;
}

/** One request is given up after this time, in milliseconds. */
const patienceMs = 10_000;

/** A pause that the service asks for and that is longer is not waited for, in milliseconds: the check is then unknown. */
const longestPauseMs = 10_000;

/**
 * Asks a service, and asks again while it has no time (429, 503) and patience lasts. Rejects with a StagedoorProblem if no answer
 * comes.
 */
export class Probe {
  constructor(
    readonly url: string,
    private readonly patienceSeconds: number,
    private readonly credential?: string,
  ) {}

  async ask(method: string, path: string, body?: object): Promise<Answer> {
    const deadline = performance.now() + this.patienceSeconds * 1_000;
    try {
      for (;;) {
        const answer = await this.once(method, path, body);
        const pauseMs = 1_000 * (Number(answer.headers.get('retry-after')) || 1);
        const hasTime = answer.status !== 429 && answer.status !== 503;
        if (hasTime || pauseMs > longestPauseMs || performance.now() + pauseMs > deadline) return answer;
        await sleep(pauseMs);
      }
    } catch (error) {
      throw new StagedoorProblem('network', `${this.url} does not answer.`, 0, undefined, undefined, {}, error);
    }
  }

  private async once(method: string, path: string, body: object | undefined): Promise<Answer> {
    const began = performance.now();
    const response = await fetch(`${this.url}${path}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(patienceMs),
      headers: {
        ...(this.credential !== undefined && { authorization: `Bearer ${this.credential}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: objectOf(text),
      tookMs: performance.now() - began,
    };
  }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
