import type { KeyObject } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { JWTPayload, JWTVerifyOptions } from 'jose';
import { Piscina } from 'piscina';
import { Problem } from '../errors.ts';
import type { Batch, Failure, Result, Task } from './signature-tasks.ts';

/**
 * With one thread, the event loop and the thread would wait for each other in turn. Four threads sign more tokens than one event
 * loop can vend.
 */
const threads = Math.min(4, Math.max(2, os.availableParallelism()));

/** A thread that has done nothing for so long ends, in milliseconds. One stays. */
const idleMs = 60_000;

/** Largest number of tasks of a batch. All results of a batch come when its last task is done. */
const mostTasks = 32;

interface Waiting {
  key: KeyObject;
  task: (key: number) => Task;
  goOn: (result: Result) => void;
  fail: (error: unknown) => void;
}

/** Why a JWT is refused: the `code`, `claim` and `reason` of jose's error. The token is not in it. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
  readonly code: string | undefined;
  readonly claim: string | undefined;
  readonly reason: string | undefined;

  constructor({ message, code, claim, reason }: Failure['failure']) {
    super(message);
    this.code = code;
    this.claim = claim;
    this.reason = reason;
  }
}

/**
 * Signs and verifies on threads. To hand one signature to another thread costs the event loop as much as a fifth of a vend, so
 * those that come while all threads are busy gather, and go there together. Nothing waits for a time to pass.
 */
@Injectable()
export class SignatureThreads implements OnApplicationShutdown {
  private readonly pool = new Piscina<Batch, Result[]>({
    // The sources run as they are in tests, so the file ends like this one.
    filename: new URL(`./signature-tasks${path.extname(import.meta.url)}`, import.meta.url).href,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: idleMs,
  });

  private waiting: Waiting[] = [];
  private busy = 0;
  private isScheduled = false;

  async onApplicationShutdown(): Promise<void> {
    await this.pool.destroy();
  }

  /**
   * Signs with ES384.
   * @param text ASCII characters.
   * @returns the signature of a JWS in base64url (RFC 7518, section 3.4).
   * @throws Problem `unavailable` if the thread ended meanwhile.
   */
  async sign(text: string, key: KeyObject): Promise<string> {
    const result = await this.run(key, (at) => ({ key: at, text }));
    if ('signature' in result) return result.signature;
    throw new Error('failure' in result ? result.failure.message : 'The thread verified in place of signing.');
  }

  /**
   * Verifies a JWT with one key, and its claims as jose does.
   * @returns the claims. @throws TokenRefused. @throws Problem `unavailable` if the thread ended meanwhile.
   */
  async verify(token: string, key: KeyObject, options: JWTVerifyOptions): Promise<JWTPayload> {
    const result = await this.run(key, (at) => ({ key: at, token, options }));
    if ('claims' in result) return result.claims;
    throw new TokenRefused(
      'failure' in result ? result.failure : { message: 'The thread signed in place of verifying.' },
    );
  }

  private async run(key: KeyObject, task: Waiting['task']): Promise<Result> {
    return await new Promise((goOn, fail) => {
      this.waiting.push({ key, task, goOn, fail });
      this.schedule();
    });
  }

  /** What comes in the same turn of the event loop goes together. */
  private schedule(): void {
    if (this.isScheduled || this.busy >= threads) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.shareOut();
    });
  }

  /** Gives those who wait to the threads that are free, in equal parts. */
  private shareOut(): void {
    while (this.waiting.length > 0 && this.busy < threads) {
      const part = Math.min(mostTasks, Math.ceil(this.waiting.length / (threads - this.busy)));
      void this.send(this.waiting.splice(0, part));
    }
  }

  private async send(members: Waiting[]): Promise<void> {
    this.busy++;
    try {
      const keys = [...new Set(members.map(({ key }) => key))];
      const places = new Map(keys.map((key, at) => [key, at]));
      const tasks = members.map(({ key, task }) => task(places.get(key) ?? -1));
      const results = await this.pool.run({ keys, tasks });
      members.forEach(({ goOn, fail }, at) => {
        const result = results[at];
        if (result) goOn(result);
        else fail(ended());
      });
    } catch (error) {
      for (const { fail } of members) fail(ended(error));
    } finally {
      this.busy--;
      this.schedule();
    }
  }
}

function ended(cause?: unknown): Problem {
  return new Problem('unavailable', 'The thread that signs and verifies tokens ended. Try again shortly.', {
    cause,
    retryAfterSeconds: 1,
  });
}
