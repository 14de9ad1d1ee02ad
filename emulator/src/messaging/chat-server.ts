import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ChatTokenContent } from '../chat/token-format.ts';
import type { ArmedFault, Faults } from '../faults/faults.ts';
import type { Journal } from '../journal/journal.ts';
import { Bucket } from '../quotas/bucket.ts';
import { parseArn } from '../arns.ts';
import { iso } from '../clock.ts';
import { randomId } from '../ids.ts';
import type { Room } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { ActionRefusal, parseAction, perform, requestIdOf } from './actions.ts';
import type { ChatConnection } from '../chat/chat-rooms.ts';
import { errorFrame } from '../chat/frames.ts';
import { admitToChat, HandshakeRefusal } from './handshake.ts';

/** A larger frame gets ERROR 413. AWS does not document the size. */
const MAX_FRAME_BYTES = 16 * 1024;
/** A larger frame ends the connection. AWS does not document the size. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** The requests a second that one connection may make. This is an interpretation of AWS's quota page. */
const CONNECTION_RATE = 10;

/** How often expired sessions are ended. */
const SWEEP_MS = 1000;

/** The token of a connection, its room and address, and the count of its requests. */
interface ChatSession {
  token: ChatTokenContent;
  room: Room;
  ip: string;
  requests: Bucket;
}

/** The WebSocket server for chat clients. On AWS its address is `wss://edge.ivschat.<region>.amazonaws.com`. */
export class ChatServer {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
    // The token is the subprotocol. The client fails the handshake unless the answer repeats it (observed in SDK).
    handleProtocols: (protocols) => protocols.values().next().value ?? false,
  });
  readonly #roomBuckets = new WeakMap<Room, Bucket>();
  readonly #world: World;
  readonly #faults: Faults;
  readonly #journal: Journal;
  readonly #changed: () => void;
  readonly #sweeper: NodeJS.Timeout;

  /** @param changed Called after each change of the world. */
  constructor(world: World, faults: Faults, journal: Journal, changed: () => void) {
    this.#world = world;
    this.#faults = faults;
    this.#journal = journal;
    this.#changed = changed;
    this.#sweeper = setInterval(() => this.#endSessions(), SWEEP_MS).unref();
    world.clock.onSkip(() => this.#endSessions());
  }

  /** Answers an upgrade request. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      const fault = this.#faults.strike('ConnectToRoom', undefined, undefined);
      if (fault && (await this.#refuseByFault(fault, socket))) return;
      const { token, room } = admitToChat(this.#world, request.headers['sec-websocket-protocol']);
      this.#changed();
      this.#log('ConnectToRoom', token, 101);
      const session = { token, room, ip: addressOf(request), requests: new Bucket() };
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, session));
    } catch (error) {
      if (!(error instanceof HandshakeRefusal)) throw error;
      this.#log('ConnectToRoom', undefined, error.status, error.message);
      refuse(socket, error.status, error.message);
    }
  }

  /** Cuts every connection, and stops the timer that ends sessions. */
  stop(): void {
    clearInterval(this.#sweeper);
    for (const connection of this.#world.chatRooms.list()) connection.cut();
  }

  /** Applies a fault to a handshake. Returns `true` when the handshake is over. */
  async #refuseByFault(fault: ArmedFault, socket: Duplex): Promise<boolean> {
    const { hang, reset, error, throttle, status = 500, message = 'fault' } = fault.effect;
    await this.#faults.delay(fault);
    if (hang) return true;
    if (reset) socket.destroy();
    if (error || throttle) refuse(socket, throttle ? 429 : status, message);
    return Boolean(reset ?? error ?? throttle);
  }

  #open(socket: WebSocket, session: ChatSession): void {
    const { token, room } = session;
    const connection: ChatConnection = {
      id: randomId(),
      roomArn: room.arn,
      userId: token.userId,
      connectedAt: this.#world.clock.now(),
      sessionExpiresAt: token.sessionExpiresAt,
      send: (frame) => socket.send(frame, { binary: false }),
      close: (reason) => {
        this.#world.chatRooms.remove(connection);
        socket.close(1000, reason);
      },
      cut: () => {
        this.#world.chatRooms.remove(connection);
        socket.terminate();
      },
    };
    this.#world.chatRooms.add(connection);
    socket.on('close', () => this.#world.chatRooms.remove(connection));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: Buffer) => {
      // A connection that is closing no longer accepts requests. A disconnected user cannot send anything more.
      if (socket.readyState !== socket.OPEN) return;
      void this.#receive(connection, session, data);
    });
  }

  async #receive(connection: ChatConnection, session: ChatSession, data: Buffer): Promise<void> {
    const startedAt = performance.now();
    const { token, room, ip } = session;
    const text = data.toString();
    let action = 'unknown';
    try {
      if (data.length > MAX_FRAME_BYTES) throw new ActionRefusal(413, 'the request is too large');
      if (!this.#withinRate(session.requests)) throw new ActionRefusal(429, 'too many requests on this connection');
      const request = parseAction(text);
      action = request.Action;
      const fault = this.#faults.strike(action, undefined, undefined);
      if (fault && (await applyFault(this.#faults, fault, connection))) return;
      await perform({ world: this.#world, room, token, ip, roomBucket: this.#roomBucket(room) }, request);
      this.#log(action, token, 200, undefined, startedAt);
    } catch (error) {
      const refusal = error instanceof ActionRefusal ? error : new ActionRefusal(500, 'the emulator failed');
      this.#log(action, token, refusal.code, refusal.message, startedAt);
      const { code, message, operationId } = refusal;
      connection.send(JSON.stringify(errorFrame(code, message, requestIdOf(text), operationId)));
    }
  }

  #withinRate(requests: Bucket): boolean {
    const { mode } = this.#world.rates;
    return mode === 'off' || requests.take(this.#world.clock.now(), CONNECTION_RATE, mode === 'strict');
  }

  #roomBucket(room: Room): Bucket {
    let bucket = this.#roomBuckets.get(room);
    if (!bucket) {
      bucket = new Bucket();
      this.#roomBuckets.set(room, bucket);
    }
    return bucket;
  }

  #endSessions(): void {
    const now = this.#world.clock.now();
    for (const connection of this.#world.chatRooms.list()) {
      if (connection.sessionExpiresAt > now) continue;
      if (this.#world.switches.chatSessionEnd === 'error-401') {
        connection.send(JSON.stringify(errorFrame(401, 'the session has expired')));
      }
      connection.close('session expired');
    }
  }

  #log(
    operation: string,
    token: ChatTokenContent | undefined,
    status: number,
    error?: string,
    startedAt = performance.now(),
  ): void {
    const arn = token && parseArn(token.roomArn);
    this.#journal.add({
      at: iso(this.#world.clock.now()),
      service: 'chat',
      operation,
      ...(arn && { account: arn.account, region: arn.region }),
      requestId: randomId(),
      ...(token && { input: { roomArn: token.roomArn, userId: token.userId } }),
      status,
      ...(error !== undefined && { error }),
      durationMs: Math.round((performance.now() - startedAt) * 100) / 100,
    });
  }
}

/** The address of the client. An IPv4 address does not have the IPv6 form `::ffff:`. */
function addressOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

function refuse(socket: Duplex, status: number, message: string): void {
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Applies a fault to an action. Returns `true` when the action must not be performed. */
async function applyFault(faults: Faults, fault: ArmedFault, connection: ChatConnection): Promise<boolean> {
  const { hang, reset, error, throttle, status = 500, message = 'fault' } = fault.effect;
  await faults.delay(fault);
  if (reset) connection.cut();
  if (error || throttle) throw new ActionRefusal(throttle ? 429 : status, message);
  return Boolean(hang ?? reset);
}
