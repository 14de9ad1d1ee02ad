/** From a moderator's request until the banned user's chat connection is closed, beside a bare call of DisconnectUser. */
import { DisconnectUserCommand, IvschatClient } from '@aws-sdk/client-ivschat';
import { WebSocket } from 'undici';

import type { Api } from '../../dev/demo.ts';
import { es256Issuer, type Issuer } from '../support/people.ts';
import { heading, line, ms } from '../support/report.ts';
import { ivsCredentials, makeTenant, startStand, type Tenant } from '../support/stand.ts';

const times = 40;

interface ChatToken {
  token: string;
  endpoint: string;
}

export async function ban(): Promise<void> {
  heading('From the request to the closed chat connection');
  const stand = await startStand();
  const chat = new IvschatClient({
    region: 'us-east-1',
    endpoint: stand.ivsUrl,
    credentials: {
      accessKeyId: ivsCredentials.AWS_ACCESS_KEY_ID,
      secretAccessKey: ivsCredentials.AWS_SECRET_ACCESS_KEY,
    },
  });
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(stand, 'moderated', { issuers: [issuer] });
    const space = await tenant.api.call<{ room: { arn: string } }>('GET', `/v1/spaces/${tenant.spaceIds[0]}`);
    const bySdk = (userId: string) =>
      chat.send(new DisconnectUserCommand({ roomIdentifier: space.room.arn, userId, reason: 'bench' }));
    const byBan = (userId: string) => tenant.api.call('POST', '/v1/bans', { userId, spaceId: tenant.spaceIds[0] });
    for (const [what, act] of [
      ['to warm up', byBan],
      ['DisconnectUser by the SDK, nothing else', bySdk],
      ['POST /v1/bans', byBan],
    ] as const) {
      const took = await measure(tenant, issuer, act, what);
      if (what !== 'to warm up') print(what, took);
    }
  } finally {
    chat.destroy();
    await stand.stop();
  }
}

async function measure(
  tenant: Tenant,
  issuer: Issuer,
  act: (userId: string) => Promise<unknown>,
  what: string,
): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const userId = `${what.replaceAll(/\W+/g, '-')}-${i}`;
    const socket = await enter(tenant.api.as(issuer.token(userId)), tenant.spaceIds[0] ?? '');
    const closed = new Promise<number>((resolve) =>
      socket.addEventListener('close', () => resolve(performance.now()), { once: true }),
    );
    const since = performance.now();
    await act(userId);
    took.push((await closed) - since);
  }
  return took.toSorted((a, b) => a - b);
}

async function enter(user: Api, spaceId: string): Promise<WebSocket> {
  const { token, endpoint } = await user.call<ChatToken>('POST', `/v1/spaces/${spaceId}/chat-tokens`);
  const socket = new WebSocket(endpoint, token);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error('the chat connection was refused')), { once: true });
  });
  return socket;
}

function print(what: string, took: number[]): void {
  const at = (share: number) => ms(took[Math.floor(took.length * share)] ?? NaN);
  line(what, '', `p50 ${at(0.5)} · p95 ${at(0.95)} · max ${ms(took.at(-1) ?? NaN)}`);
}
