/** A proxy for Postgres that counts the round trips of the service. */
import net from 'node:net';

export interface QueryCounter {
  /** The connection string that was given, but through the proxy. */
  url: string;
  /** Returns the round trips since the last call, by the name of the prepared statement or as `other`, and resets them. */
  take(): Record<string, number>;
  stop(): void;
}

export async function countQueries(databaseUrl: string): Promise<QueryCounter> {
  const target = new URL(databaseUrl);
  let counts: Record<string, number> = {};
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const postgres = net.connect({ host: target.hostname, port: Number(target.port) });
    const messages = new Messages((statement) => (counts[statement] = (counts[statement] ?? 0) + 1));
    client.on('data', (chunk: Buffer) => messages.take(chunk));
    client.pipe(postgres).pipe(client);
    for (const socket of [client, postgres]) {
      sockets.add(socket);
      socket.on('error', () => client.destroy()).on('close', () => postgres.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.port = String((server.address() as net.AddressInfo).port);
  return {
    url: url.href,
    take() {
      const taken = counts;
      counts = {};
      return taken;
    },
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Reads what the client sends. The client waits for an answer after a Sync message and after a simple query: each is a round trip. */
class Messages {
  private pending: Buffer = Buffer.alloc(0);
  private started = false;
  private statement = 'other';
  private readonly count: (statement: string) => void;

  constructor(count: (statement: string) => void) {
    this.count = count;
  }

  take(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const head = this.started ? 1 : 0; // the first message has no type
      if (this.pending.length < head + 4) return;
      const length = this.pending.readUInt32BE(head);
      if (this.pending.length < head + length) return;
      if (this.started) this.read(this.pending.toString('latin1', 0, 1), this.pending.subarray(5, 1 + length));
      this.started = true;
      this.pending = this.pending.subarray(head + length);
    }
  }

  private read(type: string, body: Buffer): void {
    if (type === 'Q') this.count('other');
    if (type === 'B') {
      const name = body.indexOf(0) + 1; // after the portal's
      // A name of Stagedoor's ends with the number of the statement, as in `admit/4`.
      this.statement = body.toString('utf8', name, body.indexOf(0, name)).split('/')[0] || 'other';
    }
    if (type === 'S') {
      this.count(this.statement);
      this.statement = 'other';
    }
  }
}
