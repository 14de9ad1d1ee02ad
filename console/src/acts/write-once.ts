import { useRef } from 'react';

import { write, type Write } from '../api.ts';
import { useSession } from '../session.ts';

export type Request = Pick<Write, 'method' | 'path' | 'body'>;

/**
 * Sends a write. The same write has the same Idempotency-Key, whatever is clicked how often: it is made once.
 * @throws ApiProblem
 */
export function useWriteOnce(): (request: Request) => Promise<{ answer: unknown; key: string }> {
  const { csrfToken } = useSession();
  const sent = useRef({ request: '', key: '' });
  return async (request) => {
    const said = JSON.stringify(request);
    if (sent.current.request !== said) sent.current = { request: said, key: crypto.randomUUID() };
    const { key } = sent.current;
    return { answer: await write({ ...request, csrfToken, idempotencyKey: key }), key };
  };
}
