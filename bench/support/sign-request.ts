/** Signed calls of IVS. They are signed before the measurement, because signing costs more than what is measured. */
import { createHash, createHmac } from 'node:crypto';

import { ivsCredentials } from './deployment.ts';

const signedHeaders = 'host;x-amz-date';

/** The bytes of a POST to an AWS service, with Signature Version 4. The signature is valid for five minutes. */
export function signedPost(url: string, service: string, path: string, body: string): Buffer {
  const { host } = new URL(url);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = [time.slice(0, 8), 'us-east-1', service, 'aws4_request'];
  const canonical = `POST\n${path}\n\nhost:${host}\nx-amz-date:${time}\n\n${signedHeaders}\n${sha256(body)}`;
  const key = scope.reduce(hmac, Buffer.from(`AWS4${ivsCredentials.AWS_SECRET_ACCESS_KEY}`));
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope.join('/')}\n${sha256(canonical)}`).toString('hex');
  const credential = `${ivsCredentials.AWS_ACCESS_KEY_ID}/${scope.join('/')}`;
  return Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      `host: ${host}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-amz-date: ${time}`,
      `authorization: AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`,
      '',
      body,
    ].join('\r\n'),
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
