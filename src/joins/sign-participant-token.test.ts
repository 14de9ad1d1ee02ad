import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { SignatureThreads } from '../signatures/signature-threads.ts';
import { signParticipantToken } from './sign-participant-token.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const keyArn = 'arn:aws:ivs:us-east-1:123456789012:public-key/abcdABCDefgh';
const now = Math.floor(Date.now() / 1000);
const claims = {
  stageArn: 'arn:aws:ivs:us-east-1:123456789012:stage/oWXSOfbOLMte',
  endpoints: { events: 'wss://global.events.live-video.net', whip: 'https://abc.global-bm.whip.live-video.net' },
  participantId: 'abcdefgh12345678',
  userId: 'zoë 🎤',
  attributes: { name: 'Zoë 🎤' },
  capabilities: ['SUBSCRIBE'],
  issuedAt: now,
  expiresAt: now + 600,
};

const threads = new SignatureThreads();
afterAll(() => threads.onApplicationShutdown());

describe('a stage token that Stagedoor signs', () => {
  it('has the claims that IVS requires, and verifies with the public key', async () => {
    const token = await signParticipantToken(claims, keyArn, privateKey, threads);
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, { algorithms: ['ES384'] });
    expect(protectedHeader).toEqual({ alg: 'ES384', typ: 'JWT', kid: keyArn });
    expect(payload).toEqual({
      exp: now + 600,
      iat: now,
      jti: 'abcdefgh12345678',
      resource: claims.stageArn,
      topic: 'oWXSOfbOLMte',
      events_url: claims.endpoints.events,
      whip_url: claims.endpoints.whip,
      user_id: 'zoë 🎤',
      attributes: { name: 'Zoë 🎤' },
      capabilities: { allow_subscribe: true },
      version: '1.0',
    });
  });

  it('is readable for a client that decodes the payload as Latin-1, as the web client does', async () => {
    const token = await signParticipantToken(claims, keyArn, privateKey, threads);
    const payload = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) as unknown;
    expect(payload).toMatchObject({ user_id: 'zoë 🎤', attributes: { name: 'Zoë 🎤' } });
  });

  it('allows to publish if the role does', async () => {
    const token = await signParticipantToken(
      { ...claims, capabilities: ['PUBLISH', 'SUBSCRIBE'] },
      keyArn,
      privateKey,
      threads,
    );
    const { payload } = await jwtVerify(token, publicKey);
    expect(payload['capabilities']).toEqual({ allow_publish: true, allow_subscribe: true });
  });
});
