import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** What an endpoint of the developer's answered. */
export interface Answer {
  status: number;
  body: string;
}

/** How long an answer may take, how long it may be, and what goes along. */
export interface PostLimits {
  timeoutMs: number;
  answerBytes: number;
  headers?: Record<string, string>;
  /** Ends it early. */
  signal?: AbortSignal;
}

/** Whether a text is an address that can be posted to. */
export function isHttpUrl(text: unknown): text is string {
  return typeof text === 'string' && /^https?:\/\//.test(text) && URL.canParse(text);
}

/** POSTs JSON. Redirects are an answer like any other: what was sent goes nowhere but to the address given. */
export function postJson(url: string, value: unknown, limits: PostLimits): Promise<Answer> {
  const body = JSON.stringify(value);
  const headers = {
    ...limits.headers,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  };
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  const signal = limits.signal ? AbortSignal.any([timeout, limits.signal]) : timeout;
  return new Promise((resolve, reject) => {
    const open = url.startsWith('https:') ? requestHttps : requestHttp;
    const request = open(url, { method: 'POST', headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > limits.answerBytes) request.destroy(new Error(`the answer is above ${limits.answerBytes} bytes`));
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    request.on('error', (error) => {
      reject(timeout.aborted ? new Error(`there was no answer within ${limits.timeoutMs} ms`) : error);
    });
    request.end(body);
  });
}
