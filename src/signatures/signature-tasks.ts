/** What the threads of SignatureThreads run. It is a file of its own, so that a thread loads no other part of the service. */
import { type KeyObject, sign } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose';

/** `key` is a place in the keys of the batch. */
export type Task =
  /** Sign a text of ASCII characters with ES384. */
  | { key: number; text: string }
  /** Verify a JWT and its claims. */
  | { key: number; token: string; options: JWTVerifyOptions };

/** Tasks that go to a thread together. Each key is sent once. */
export interface Batch {
  keys: KeyObject[];
  tasks: Task[];
}

/** Why a task failed. `code`, `claim` and `reason` are those of an error of jose. Nothing in it is of the text or of the token. */
export interface Failure {
  failure: {
    message: string;
    code?: string | undefined;
    claim?: string | undefined;
    reason?: string | undefined;
  };
}

/** A signature (RFC 7518, section 3.4: r and s, 96 bytes) in base64url; or the claims of a JWT. */
export type Result = { signature: string } | { claims: JWTPayload } | Failure;

/** Runs each task. A task that fails does not stop the others. */
export default async function run({ keys, tasks }: Batch): Promise<Result[]> {
  return await Promise.all(tasks.map(async (task) => await runOne(keys[task.key] as KeyObject, task)));
}

async function runOne(key: KeyObject, task: Task): Promise<Result> {
  try {
    if ('token' in task)
      return {
        claims: (await jwtVerify(task.token, key, task.options)).payload,
      };
    const signature = sign('sha384', Buffer.from(task.text, 'latin1'), {
      key,
      dsaEncoding: 'ieee-p1363',
    });
    return { signature: signature.toString('base64url') };
  } catch (error) {
    return { failure: describe(error) };
  }
}

function describe(error: unknown): Failure['failure'] {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    const { message, code, claim, reason } = error;
    return { message, code, claim, reason };
  }
  if (error instanceof errors.JOSEError) return { message: error.message, code: error.code };
  return {
    message: error instanceof Error ? error.message : 'The task failed.',
  };
}
