import { Agent, type Dispatcher, request } from 'undici';
import { inHttpSpan } from '../telemetry/spans.ts';
import { faultOfUrl } from './addresses.ts';
import { type OutgoingOptions, pinnedTo, resolve } from './resolve.ts';

/** What is sent, and how much of it an answer may take. */
export interface CheckedRequest {
  method: string;
  headers: Record<string, string>;
  body: string | null;
  /** From resolving the name to the last byte of the answer, in milliseconds. */
  deadlineMs: number;
  /** Maximum size of the answer, in bytes. */
  maxAnswerBytes: number;
}

/**
 * Sends a request to a URL that a tenant, or a server that a tenant chose, has named. Such a server may be hostile: the name is
 * resolved once, and the connection goes to an address that was checked. Redirects are not followed. Time and size are limited.
 * @param read reads the answer. undici's `request` does not decompress, so the limit of size is that of the decoded answer as long
 * as one that is compressed is refused (`isCompressed`).
 * @throws {Error} with the reason, for the log only: a tenant could use it to explore the service's network.
 */
export async function checkedRequest<T>(
  url: string,
  { method, headers, body, deadlineMs, maxAnswerBytes }: CheckedRequest,
  options: OutgoingOptions,
  read: (answer: Dispatcher.ResponseData) => Promise<T>,
): Promise<T> {
  const fault = faultOfUrl(url, options.allowPrivateAddresses);
  if (fault !== undefined) throw new Error(`the URL ${fault}`);
  return await inHttpSpan(method, url, async (answered) => {
    const signal = AbortSignal.timeout(deadlineMs);
    const addresses = await resolve(new URL(url), options, signal);
    // One agent for each request: requests are rare, and so no connection stays open after its request.
    const agent = new Agent({
      connect: { timeout: deadlineMs, lookup: pinnedTo(addresses) },
      maxResponseSize: maxAnswerBytes,
    });
    try {
      const sent = { dispatcher: agent, signal, method: method as Dispatcher.HttpMethod, body };
      const answer = await request(url, { ...sent, headers: { ...headers, 'accept-encoding': 'identity' } });
      answered(answer.statusCode);
      return await read(answer);
    } finally {
      void agent.destroy().catch(() => undefined);
    }
  });
}

export function isCompressed({ headers }: Dispatcher.ResponseData): boolean {
  const encoding = headers['content-encoding'];
  return encoding !== undefined && encoding !== 'identity';
}

const limits = { deadlineMs: 5_000, maxAnswerBytes: 256 * 1024 };

/** Headers of an answer that are passed on. */
const passedOn = ['content-type', 'www-authenticate'] as const;

/** `checkedRequest` as a library that expects `fetch` uses it, within five seconds and 256 kB. @throws as `checkedRequest` */
export async function checkedFetch(
  url: string,
  asked: Pick<CheckedRequest, 'method' | 'headers' | 'body'>,
  options: OutgoingOptions,
): Promise<Response> {
  return await checkedRequest(url, { ...asked, ...limits }, options, async (answer) => {
    if (isCompressed(answer)) throw new Error('the answer came compressed');
    const text = await answer.body.text();
    const shown = passedOn.flatMap((name) => {
      const value = answer.headers[name];
      return typeof value === 'string' ? [[name, value] as [string, string]] : [];
    });
    return new Response(text === '' ? null : text, { status: answer.statusCode, headers: shown });
  });
}
