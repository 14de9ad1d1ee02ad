/**
 * Measures what a full chat room costs the emulator:
 *
 *   node emulator/bench/chat-room.ts [connections] [seconds]
 *
 * 2,000 connections in one room receive 10 messages a second, which is the default limit of a room. The emulator runs in a
 * separate process, so that its memory and CPU can be measured. The clients are plain WebSockets in this process.
 */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { Emulator } from '../src/emulator.ts';

const MESSAGES_A_SECOND = 10;
/** One connection in this many sends messages and measures when messages arrive. The others only count messages. */
const CONNECTIONS_PER_SPEAKER = 20;
/** How many clients connect at the same time. The number is small, so that no token waits longer than its minute. */
const CONCURRENT_CONNECTS = 50;
/** How long the last message may take to reach every connection. */
const DELIVERY_TIMEOUT_MS = 10_000;

export interface ChatRoomFigures {
  connections: number;
  messages: number;
  /** How many frames arrived at all connections together. */
  received: number;
  /** How many frames should have arrived. */
  expected: number;
  /** The largest resident memory of the emulator, in MB of 10⁶ bytes. */
  peakMemoryMb: number;
  /** The share of one core that the emulator used while messages were sent. */
  cpuShare: number;
  /** The time from sending a message to the arrival of its frame. It includes the time of the client. */
  p50Ms: number;
  p99Ms: number;
}

interface Usage {
  peakBytes: number;
  cpuSeconds: number;
}

const isChild = process.argv[2] === '--emulator';
const isMain = process.argv[1] === fileURLToPath(import.meta.url);

if (isChild) await serve();
else if (isMain) await main();

/** Runs the emulator for a parent process, and answers each message with the memory and CPU that it has used. */
async function serve(): Promise<void> {
  const emulator = await Emulator.start({ port: 0, quotas: 'off', allowUnsigned: true });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ peakBytes: process.resourceUsage().maxRSS * 1024, cpuSeconds: (user + system) / 1e6 });
  });
  process.send?.({ url: emulator.url, chatUrl: emulator.chatUrl });
}

async function main(): Promise<void> {
  const [connections = 2000, seconds = 20] = process.argv.slice(2).map(Number);
  const figures = await measureChatRoom(connections, seconds);
  // oxlint-disable-next-line no-console
  console.log(
    `${figures.connections} chat connections in one room, ${figures.messages} messages at ${MESSAGES_A_SECOND}/s: ` +
      `${figures.received} of ${figures.expected} frames arrived; emulator ${figures.peakMemoryMb.toFixed(0)} MB at most, ` +
      `${(figures.cpuShare * 100).toFixed(0)} % of a core; p50 ${figures.p50Ms.toFixed(1)} ms, p99 ${figures.p99Ms.toFixed(1)} ms`,
  );
}

/** Fills a room, sends messages and measures. */
export async function measureChatRoom(connections = 2000, seconds = 20): Promise<ChatRoomFigures> {
  const child = fork(fileURLToPath(import.meta.url), ['--emulator']);
  const next = <Message>() => new Promise<Message>((resolve) => child.once('message', resolve as () => void));
  const usage = async () => {
    child.send('usage');
    return await next<Usage>();
  };
  const { url, chatUrl } = await next<{ url: string; chatUrl: string }>();
  const room = await fillRoom(url, chatUrl, connections);
  try {
    const before = await usage();
    const startedAt = performance.now();
    const messages = await talk(room, seconds * MESSAGES_A_SECOND);
    const elapsedSeconds = (performance.now() - startedAt) / 1000;
    const after = await usage();
    const latencies = room.latencies.sort((a, b) => a - b);
    const percentile = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
    return {
      connections,
      messages,
      received: room.received,
      expected: messages * connections,
      peakMemoryMb: after.peakBytes / 1e6,
      cpuShare: (after.cpuSeconds - before.cpuSeconds) / elapsedSeconds,
      p50Ms: percentile(0.5),
      p99Ms: percentile(0.99),
    };
  } finally {
    for (const socket of room.sockets) socket.terminate();
    child.kill();
  }
}

interface FullRoom {
  sockets: WebSocket[];
  speakers: WebSocket[];
  received: number;
  latencies: number[];
}

async function fillRoom(url: string, chatUrl: string, connections: number): Promise<FullRoom> {
  const { arn } = await call<{ arn: string }>(url, 'CreateRoom', {});
  const room: FullRoom = { sockets: [], speakers: [], received: 0, latencies: [] };
  while (room.sockets.length < connections) {
    const count = Math.min(CONCURRENT_CONNECTS, connections - room.sockets.length);
    const opened = Array.from({ length: count }, async (_, index) => {
      const input = {
        roomIdentifier: arn,
        userId: `user-${room.sockets.length + index}`,
        capabilities: ['SEND_MESSAGE'],
      };
      const { token } = await call<{ token: string }>(url, 'CreateChatToken', input);
      return await open(chatUrl, token, room);
    });
    for (const socket of await Promise.all(opened)) {
      if (room.sockets.length % CONNECTIONS_PER_SPEAKER === 0) makeSpeaker(socket, room);
      room.sockets.push(socket);
    }
  }
  return room;
}

async function call<Answer>(url: string, operation: string, input: object): Promise<Answer> {
  const response = await fetch(`${url}/${operation}`, { method: 'POST', body: JSON.stringify(input) });
  if (!response.ok) throw new Error(`${operation}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

async function open(chatUrl: string, token: string, room: FullRoom): Promise<WebSocket> {
  const socket = new WebSocket(chatUrl, token, { perMessageDeflate: false });
  socket.on('message', () => {
    room.received += 1;
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return socket;
}

function makeSpeaker(socket: WebSocket, room: FullRoom): void {
  room.speakers.push(socket);
  socket.on('message', (data: Buffer) => {
    const arrivedAt = performance.now();
    const frame = JSON.parse(data.toString()) as { Type: string; Content: string };
    if (frame.Type !== 'MESSAGE') throw new Error(data.toString());
    room.latencies.push(arrivedAt - Number(frame.Content));
  });
}

/** Sends messages at the rate of the room, each from the next speaker, and waits until all have arrived. */
async function talk(room: FullRoom, messages: number): Promise<number> {
  const startedAt = performance.now();
  for (let sent = 0; sent < messages; sent += 1) {
    await sleep(Math.max(startedAt + (sent * 1000) / MESSAGES_A_SECOND - performance.now(), 0));
    const socket = room.speakers[sent % room.speakers.length];
    socket?.send(JSON.stringify({ Action: 'SEND_MESSAGE', Content: String(performance.now()) }));
  }
  const deadline = performance.now() + DELIVERY_TIMEOUT_MS;
  while (room.received < messages * room.sockets.length && performance.now() < deadline) await sleep(5);
  return messages;
}
