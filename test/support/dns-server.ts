import { createSocket } from 'node:dgram';

/** A name server that answers every question for IPv4 addresses as told, and those for IPv6 with none. */
export class DnsServer implements AsyncDisposable {
  private readonly socket = createSocket('udp4');

  static async start(answers: () => string[] | undefined): Promise<DnsServer> {
    const server = new DnsServer();
    server.socket.on('message', (question, from) => {
      const type = question.readUInt16BE(question.length - (hasOptions(question) ? 11 : 0) - 4);
      const addresses = type === 1 ? answers() : [];
      if (addresses) server.socket.send(answerTo(question, addresses), from.port, from.address);
    });
    await new Promise<void>((resolve) => server.socket.bind(0, '127.0.0.1', resolve));
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(resolve));
  }
}

function hasOptions(question: Buffer): boolean {
  return question.readUInt16BE(10) > 0;
}

/** RFC 1035, section 4: the question's header with the counts changed, the question, and one record for each address. */
function answerTo(question: Buffer, addresses: string[]): Buffer {
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(addresses.length, 6);
  header.writeUInt16BE(0, 10);
  const nameEnd = question.indexOf(0, 12);
  const records = addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]),
  );
  return Buffer.concat([header, question.subarray(12, nameEnd + 5), ...records]);
}
