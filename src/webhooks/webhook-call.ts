import { Agent, type Dispatcher, request } from 'undici';
import { LRUCache } from 'lru-cache';
import { faultOfUrl } from '../outgoing/addresses.ts';
import { checkedLookup, type OutgoingOptions } from '../outgoing/resolve.ts';
import { inHttpSpan } from '../telemetry/spans.ts';

/** Deadline of a call in milliseconds, from resolving the name to the headers of the answer. */
export const callDeadlineMs = 5_000;

/** Longest time for the name and the connection, in milliseconds. */
const connectDeadlineMs = 3_000;

/** Longest time from the headers of an answer to the end of its body, in milliseconds. Then the connection is cut. */
const bodyDeadlineMs = 1_000;

/** Number of bytes of an answer that are kept. The connection of a longer answer is cut. */
export const keptBytes = 512;

/** Largest size of the headers of an answer, in bytes. */
const maxHeaderBytes = 16 * 1_024;

/** Why a call brought no success. The words are coarse, so that they tell nothing of the network of the service. */
export const callFaults = {
  status: 'the answer has another status than 2xx',
  redirect: 'the answer is a redirect, which is not followed',
  unreachable: 'no connection came about',
  certificate: 'the certificate of the receiver is not valid',
  timeout: 'no answer came in five seconds',
  broken: 'the connection broke off, or the answer is no HTTP',
  refused: 'the URL is not allowed',
} as const;
export type CallFault = keyof typeof callFaults;

/** How a call went. Status and answer are null if no answer came. */
export interface CallResult {
  status: number | null;
  /** The first bytes of the answer as text. */
  answer: string | null;
  /** Null: the receiver has taken the webhook. */
  fault: CallFault | null;
  retryAfter: string | string[] | undefined;
}

/**
 * Posts webhooks to URLs that tenants chose, and whose servers may be hostile. Each new connection goes to an address that
 * was checked. Redirects are not followed, and answers are neither unpacked nor read to their end.
 */
export class WebhookCalls {
  /** Open connections by endpoint and URL. An endpoint that fails, or gets nothing for a while, has none. */
  private readonly agents = new LRUCache<string, Agent>({
    max: 500,
    ttl: 30_000,
    ttlAutopurge: true,
    updateAgeOnGet: true,
    dispose: (agent) => void agent.close().catch(() => undefined),
  });

  constructor(private readonly options: OutgoingOptions) {}

  /** @param endpoint id of the endpoint. Endpoints share no connections. */
  async post(endpoint: string, url: string, headers: Record<string, string>, body: string): Promise<CallResult> {
    const nothing = { status: null, answer: null, retryAfter: undefined };
    if (faultOfUrl(url, this.options.allowPrivateAddresses) !== undefined) return { ...nothing, fault: 'refused' };
    const key = `${endpoint} ${url}`;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), callDeadlineMs);
    try {
      const response = await inHttpSpan('POST', url, async (answered) => {
        const found = await request(url, {
          dispatcher: this.agentOf(key),
          method: 'POST',
          signal: deadline.signal,
          headers: {
            ...headers,
            'content-type': 'application/json',
            'accept-encoding': 'identity',
          },
          body,
        });
        answered(found.statusCode);
        return found;
      });
      clearTimeout(timer);
      const { statusCode: status } = response;
      const answer = await beginningOf(response);
      const fault = faultOfStatus(status);
      if (fault) this.agents.delete(key);
      return {
        status,
        answer,
        fault,
        retryAfter: response.headers['retry-after'],
      };
    } catch (error) {
      this.agents.delete(key);
      return {
        ...nothing,
        fault: deadline.signal.aborted ? 'timeout' : faultOfError(error),
      };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes all connections. */
  close(): void {
    this.agents.clear();
  }

  private agentOf(key: string): Agent {
    const known = this.agents.get(key);
    if (known) return known;
    const agent = new Agent({
      connect: {
        timeout: connectDeadlineMs,
        lookup: checkedLookup(this.options, connectDeadlineMs),
      },
      keepAliveTimeout: 10_000,
      keepAliveMaxTimeout: 10_000,
      maxHeaderSize: maxHeaderBytes,
    });
    this.agents.set(key, agent);
    return agent;
  }
}

/**
 * Reads the first bytes of an answer, and cuts the connection if there are more or they take long. A compressed answer is
 * not shown.
 */
async function beginningOf({ body, headers }: Dispatcher.ResponseData): Promise<string | null> {
  const timer = setTimeout(() => body.destroy(), bodyDeadlineMs);
  const parts: Buffer[] = [];
  let size = 0;
  let isWhole = false;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      parts.push(part.subarray(0, keptBytes - size));
      size += part.length;
      if (size > keptBytes) break;
    }
    isWhole = size <= keptBytes;
  } catch {
    // What has come so far is enough.
  } finally {
    clearTimeout(timer);
    body.on('error', () => undefined);
    if (!isWhole) body.destroy();
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') return null;
  // Postgres cannot store U+0000. A character that was cut in the middle becomes U+FFFD.
  return Buffer.concat(parts).toString('utf8').replaceAll('\0', '\uFFFD');
}

function faultOfStatus(status: number): CallFault | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400 ? 'redirect' : 'status';
}

/** Errors of Node and undici that happen after the connection came about, or instead. */
function faultOfError(error: unknown): CallFault {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (/CERT|SELF_SIGNED|ISSUER|TLS|SSL|ALTNAME|EPROTO/.test(code)) return 'certificate';
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE' || code.startsWith('HPE_'))
    return 'broken';
  return code.startsWith('UND_ERR_HEADERS') ? 'broken' : 'unreachable';
}
