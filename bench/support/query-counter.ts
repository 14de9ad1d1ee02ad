/** A stand-in for Postgres's port that passes everything on and counts what the service asks: each a round trip. */
import net from 'node:net';

export interface QueryCounter {
  /** As given, but through the counter. */
  url: string;
  /** Round trips since the last look, by the name of the prepared statement; others as `other`. */
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

/** Reads the frontend's side of Postgres's protocol: a Sync, or a simple query, is what an answer is waited for. */
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
      this.statement = body.toString('utf8', name, body.indexOf(0, name)) || 'other';
    }
    if (type === 'S') {
      this.count(this.statement);
      this.statement = 'other';
    }
  }
}
