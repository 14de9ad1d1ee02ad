import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** The answer of an HTTP endpoint. */
export interface Answer {
  status: number;
  body: string;
}

/** How a request is sent, and when it is given up. */
export interface PostOptions {
  /** How long the whole answer may take. */
  timeoutMs: number;
  /** How many bytes the body of the answer may have. */
  maxAnswerBytes: number;
  headers?: Record<string, string>;
  /** Cancels the request. */
  signal?: AbortSignal;
}

/** Whether a value is the text of an http: or https: URL. */
export function isHttpUrl(text: unknown): text is string {
  return typeof text === 'string' && /^https?:\/\//.test(text) && URL.canParse(text);
}

/**
 * POSTs a value as JSON. A redirect is returned and not followed, so that the value goes to the given address only.
 *
 * @throws Error when there is no answer in time, or the answer is too large.
 */
export function postJson(url: string, value: unknown, options: PostOptions): Promise<Answer> {
  const body = JSON.stringify(value);
  const headers = {
    ...options.headers,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  };
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  return new Promise((resolve, reject) => {
    const startRequest = url.startsWith('https:') ? requestHttps : requestHttp;
    const request = startRequest(url, { method: 'POST', headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > options.maxAnswerBytes) {
          request.destroy(new Error(`the answer is larger than ${options.maxAnswerBytes} bytes`));
        }
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    request.on('error', (error) => {
      reject(timeout.aborted ? new Error(`there was no answer within ${options.timeoutMs} ms`) : error);
    });
    request.end(body);
  });
}
