/** The emulator alone. The other parts measure the service only if the emulator is much faster. */
import { IVSRealTimeClient, CreateStageCommand } from '@aws-sdk/client-ivs-realtime';
import { CreateRoomCommand, IvschatClient } from '@aws-sdk/client-ivschat';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { measureChatRoom } from '../../emulator/bench/chat-room.ts';
import { freePort } from '../../dev/postgres.ts';
import { load, post } from '../support/load.ts';
import { processorMs, startProgram, untilOk } from '../support/processes.ts';
import { heading, line, note, perSecond } from '../support/report.ts';
import { seconds } from '../support/settings.ts';
import { signedPost } from '../support/sign-request.ts';
import { ivsCredentials, root } from '../support/deployment.ts';
import { printLatency } from '../support/vending.ts';

const connections = 16;
/** Tokens a second that the emulator must make, so that the other parts do not measure it. */
const aim = 3_000;
const halfOfAim = `half of ${perSecond(aim)}`;
/** Requests for the tokens of many users in turn. */
const users = 500;

export async function emulator(): Promise<void> {
  await tokens();
  await chatRoom();
}

async function tokens(): Promise<void> {
  heading('The emulator: tokens a second on one core, signatures checked');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-bench-'));
  const log = path.join(folder, 'log');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [path.join(root, 'emulator/dist/bin.js'), '--port', String(port), '--no-quotas'];
  const program = startProgram(args, process.env, log);
  try {
    await untilOk(`${url}/_emulator/health`, log);
    const { stageArn, roomIdentifier } = await makeStageAndRoom(url);
    await measure(url, program.pid, 'ivs', 'CreateParticipantToken', { stageArn });
    await measure(url, program.pid, 'ivschat', 'CreateChatToken', { roomIdentifier });
    await program.stop();
    await measureBareHttp(log);
  } finally {
    await program.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function makeStageAndRoom(endpoint: string): Promise<{ stageArn: string; roomIdentifier: string }> {
  const credentials = {
    accessKeyId: ivsCredentials.AWS_ACCESS_KEY_ID,
    secretAccessKey: ivsCredentials.AWS_SECRET_ACCESS_KEY,
  };
  const configuration = { endpoint, region: 'us-east-1', credentials };
  const { stage } = await new IVSRealTimeClient(configuration).send(new CreateStageCommand({}));
  const { arn } = await new IvschatClient(configuration).send(new CreateRoomCommand({}));
  if (!stage?.arn || !arn) throw new Error('the emulator made no stage or no room');
  return { stageArn: stage.arn, roomIdentifier: arn };
}

async function measure(url: string, pid: number, service: string, operation: string, input: object): Promise<void> {
  const attributes = { role: 'viewer' };
  const requests = Array.from({ length: users }, (_, n) =>
    signedPost(url, service, `/${operation}`, JSON.stringify({ ...input, userId: `user-${n}`, attributes })),
  );
  let at = 0;
  const next = () => requests[at++ % users] ?? Buffer.alloc(0);
  await load({ url, connections, seconds: 2, next }); // until its code is compiled
  const before = processorMs(pid);
  const full = await load({ url, connections, seconds, next });
  const after = processorMs(pid);
  if (Object.keys(full.others).length > 0) throw new Error(`calls failed: ${JSON.stringify(full.others)}`);
  const used = before !== undefined && after !== undefined ? (after - before) / full.answers : undefined;
  line(operation, perSecond(full.perSecond), used === undefined ? '' : `${used.toFixed(2)} processor ms a call`);
  printLatency(halfOfAim, await load({ url, connections, seconds, rate: aim / 2, next }));
}

/** The latency of a bare server: the part that is due to the machine, Node and the load generator. */
async function measureBareHttp(log: string): Promise<void> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = startProgram([path.join(root, 'bench/support/bare-http.ts')], { PORT: String(port) }, log);
  try {
    await untilOk(url, log);
    const next = () => post('/', 'nobody');
    await load({ url, connections, seconds: 2, next });
    line('bare node:http, beside it', '', '');
    printLatency(halfOfAim, await load({ url, connections, seconds, rate: aim / 2, next }));
  } finally {
    await program.stop();
  }
}

async function chatRoom(): Promise<void> {
  heading('The emulator: 2,000 connections in one room, 10 messages a second');
  const figures = await measureChatRoom(2_000, seconds);
  note(`${figures.received} of ${figures.expected} frames arrived; peak memory ${figures.peakMemoryMb.toFixed(0)} MB`);
  note(
    `${(figures.cpuShare * 100).toFixed(0)} % of one core; p50 ${figures.p50Ms.toFixed(0)} ms, p99 ${figures.p99Ms.toFixed(0)} ms`,
  );
}
