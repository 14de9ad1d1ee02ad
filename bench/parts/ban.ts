/**
 * The time from a moderator's request until the banned user is out: the socket of their chat client is closed and their
 * participant has left the stage. It is compared with two calls of the AWS SDK, which disconnect but keep nobody out.
 */
import {
  DisconnectParticipantCommand,
  IVSRealTimeClient,
  paginateListParticipantEvents,
} from '@aws-sdk/client-ivs-realtime';
import { DisconnectUserCommand, IvschatClient } from '@aws-sdk/client-ivschat';
import { ChatRoom } from 'amazon-ivs-chat-messaging';
import { setTimeout as delay } from 'node:timers/promises';

import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { heading, line, ms } from '../support/report.ts';
import { ivsCredentials, makeTenant, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';

const times = 200;
const warmUps = 40;
/** IVS takes five DisconnectParticipant calls a second. This pause keeps a call from waiting for that rate. */
const pauseMs = 250;

/** A user on the stage and in the chat room. */
interface Person {
  userId: string;
  room: { arn: string };
  stage: { stageArn: string; sessionId: string; participantId: string };
  /** When the chat client said that it is disconnected, in milliseconds since 1970. */
  disconnected: Promise<number>;
}

interface Clients {
  realTime: IVSRealTimeClient;
  chat: IvschatClient;
}

export async function ban(): Promise<void> {
  heading('From the request until the user is out of stage and chat');
  const deployment = await startDeployment();
  const configuration = {
    region: 'us-east-1',
    endpoint: deployment.ivsUrl,
    credentials: {
      accessKeyId: ivsCredentials.AWS_ACCESS_KEY_ID,
      secretAccessKey: ivsCredentials.AWS_SECRET_ACCESS_KEY,
    },
  };
  const clients = { realTime: new IVSRealTimeClient(configuration), chat: new IvschatClient(configuration) };
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(deployment, 'moderated', { issuers: [issuer] });
    const room = await tenant.api.call<{ room: { arn: string } }>('GET', `/v1/spaces/${tenant.spaceIds[0]}`);
    const answers: Promise<unknown>[] = [];
    const measure = async (userId: string, act: (person: Person) => Promise<unknown>) => {
      const person = await enter(deployment, tenant, issuer, userId, room.room);
      await delay(pauseMs);
      const since = performance.timeOrigin + performance.now();
      answers.push(act(person));
      return Math.max(await person.disconnected, await leftAt(clients.realTime, person)) - since;
    };
    // The answer to a ban comes when no earlier token can be on its way any more. The user is out long before.
    const byBan = ({ userId }: Person) => tenant.api.call('POST', '/v1/bans', { userId, spaceId: tenant.spaceIds[0] });
    for (let i = 0; i < warmUps; i++) await measure(`warm-up-${i}`, byBan);
    const took = { bare: [] as number[], ban: [] as number[] };
    for (let i = 0; i < times; i++) {
      took.bare.push(await measure(`bare-${i}`, (person) => disconnect(clients, person)));
      took.ban.push(await measure(`banned-${i}`, byBan));
    }
    await Promise.all(answers);
    print('DisconnectUser and DisconnectParticipant by SDK', took.bare);
    print('POST /v1/bans', took.ban);
  } finally {
    for (const client of Object.values(clients)) client.destroy();
    await deployment.stop();
  }
}

/** Joins as an app does, with tokens of the service and the official chat client. */
async function enter(
  deployment: Deployment,
  tenant: Tenant,
  issuer: Issuer,
  userId: string,
  room: { arn: string },
): Promise<Person> {
  const user = tenant.api.as(issuer.token(userId));
  const pass = await user.call<{ stage: { token: string }; chat: { token: string; endpoint: string } }>(
    'POST',
    `/v1/spaces/${tenant.spaceIds[0]}/join`,
  );
  const joined = await fetch(`${deployment.ivsUrl}/_emulator/join`, {
    method: 'POST',
    body: JSON.stringify({ token: pass.stage.token }),
  });
  if (!joined.ok) throw new Error(`the stage was not joined: ${await joined.text()}`);
  const tokens = [pass.chat.token];
  const chat = new ChatRoom({
    regionOrUrl: pass.chat.endpoint,
    tokenProvider: async () => {
      const token = tokens.pop();
      if (token === undefined) throw new Error('there is no further token');
      return { token };
    },
  });
  chat.logger = { debug: () => {}, error: () => {}, info: () => {} };
  const disconnected = new Promise<number>((resolve) =>
    chat.addListener('disconnect', () => resolve(performance.timeOrigin + performance.now())),
  );
  const connected = new Promise<void>((resolve) => chat.addListener('connect', () => resolve()));
  chat.connect();
  await Promise.race([
    connected,
    disconnected.then(() => {
      throw new Error('the chat connection was refused');
    }),
  ]);
  return { userId, room, stage: (await joined.json()) as Person['stage'], disconnected };
}

async function disconnect({ realTime, chat }: Clients, { userId, room, stage }: Person): Promise<void> {
  const { stageArn, participantId } = stage;
  await Promise.all([
    realTime.send(new DisconnectParticipantCommand({ stageArn, participantId, reason: 'bench' })),
    chat.send(new DisconnectUserCommand({ roomIdentifier: room.arn, userId, reason: 'bench' })),
  ]);
}

/** The time at which a participant left, by the events of IVS, in milliseconds since 1970. */
async function leftAt(client: IVSRealTimeClient, { stage }: Person): Promise<number> {
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await delay(10)) {
    for await (const { events = [] } of paginateListParticipantEvents({ client }, stage)) {
      const left = events.find(({ name }) => name === 'LEFT');
      if (left?.eventTime) return left.eventTime.getTime();
    }
  }
  throw new Error(`${stage.participantId} is still on the stage`);
}

function print(what: string, took: number[]): void {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number) => ms(sorted[Math.floor(sorted.length * share)] ?? NaN);
  line(what, '', `p50 ${at(0.5)} · p95 ${at(0.95)} · p99 ${at(0.99)} · max ${ms(sorted.at(-1) ?? NaN)}`);
}
