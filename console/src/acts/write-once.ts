import { useRef, useState } from 'react';

import { write, type Write } from '../api.ts';
import { useSession } from '../session.ts';

export type Request = Pick<Write, 'method' | 'path' | 'body'>;

/** When a choice was first tried: the same choice has the same time, however often it is sent. */
export function useFirstTry(): (choice: object) => Date {
  const tried = useRef<{ choice: string; at: Date }>(undefined);
  return (choice) => {
    const said = JSON.stringify(choice);
    if (tried.current?.choice !== said) tried.current = { choice: said, at: new Date() };
    return tried.current.at;
  };
}

/** A write, and whether the service does not take it at the moment. */
export interface WriteOnce {
  isWaiting: boolean;
  /** @throws ApiProblem */
  writeOnce(request: Request): Promise<{ answer: unknown; key: string }>;
}

/** Sends a write. The same write has the same Idempotency-Key, whatever is clicked how often: it is made once. */
export function useWriteOnce(): WriteOnce {
  const { csrfToken } = useSession();
  const [isWaiting, setWaiting] = useState(false);
  const sent = useRef({ request: '', key: '' });
  const writeOnce = async (request: Request) => {
    const said = JSON.stringify(request);
    if (sent.current.request !== said) sent.current = { request: said, key: crypto.randomUUID() };
    const { key } = sent.current;
    try {
      const onWait = () => setWaiting(true);
      return { answer: await write({ ...request, csrfToken, idempotencyKey: key, onWait }), key };
    } finally {
      setWaiting(false);
    }
  };
  return { isWaiting, writeOnce };
}
