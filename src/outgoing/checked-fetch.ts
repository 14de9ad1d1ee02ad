import { Agent, request } from 'undici';
import { faultOfUrl } from './addresses.ts';
import { type OutgoingOptions, pinnedTo, resolve } from './resolve.ts';

/** Deadline of a request in milliseconds, from resolving the name to the last byte of the answer. */
const deadlineMs = 5_000;

/** Maximum size of an answer, in bytes. */
const maxAnswerBytes = 256 * 1024;

/** Headers of an answer that are passed on. */
const passedOn = ['content-type', 'www-authenticate'] as const;

/** What is sent. */
export interface CheckedRequest {
  method: string;
  headers: Record<string, string>;
  body: string | null;
}

/**
 * Sends a request to a URL that a tenant, or a server that a tenant chose, has named. Such a server may be hostile: the name is
 * resolved once, and the connection goes to an address that was checked. Redirects are not followed. Time and size are limited.
 * @throws {Error} with the reason, for the log only: a tenant could use it to explore the service's network.
 */
export async function checkedFetch(url: string, asked: CheckedRequest, options: OutgoingOptions): Promise<Response> {
  const fault = faultOfUrl(url, options.allowPrivateAddresses);
  if (fault !== undefined) throw new Error(`the URL ${fault}`);
  const signal = AbortSignal.timeout(deadlineMs);
  const addresses = await resolve(new URL(url), options, signal);
  // One agent for each request: requests are rare, and so no connection stays open after its request.
  const agent = new Agent({
    connect: { timeout: deadlineMs, lookup: pinnedTo(addresses) },
    maxResponseSize: maxAnswerBytes,
  });
  try {
    const { method, headers, body } = asked;
    const sent = { dispatcher: agent, signal, method: method as 'GET' | 'POST', body };
    const answer = await request(url, { ...sent, headers: { ...headers, 'accept-encoding': 'identity' } });
    // undici's `request` does not decompress. So `maxResponseSize` also limits the decoded size.
    const encoding = answer.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') throw new Error('the answer came compressed');
    const text = await answer.body.text();
    const shown = passedOn.flatMap((name) => {
      const value = answer.headers[name];
      return typeof value === 'string' ? [[name, value] as [string, string]] : [];
    });
    return new Response(text === '' ? null : text, { status: answer.statusCode, headers: shown });
  } finally {
    void agent.destroy().catch(() => undefined);
  }
}
