import { createHash, randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface Stored {
  id: string;
  body: string;
  receives: number;
  /** When it is visible, by the clock of this server, in milliseconds. */
  visibleAt: number;
  receipt: string;
}

interface Call {
  MaxNumberOfMessages?: number;
  WaitTimeSeconds?: number;
  VisibilityTimeout?: number;
  ReceiptHandle?: string;
  Entries?: { Id: string; ReceiptHandle: string; VisibilityTimeout?: number }[];
}

/**
 * One queue that speaks the JSON protocol of SQS: long polls, visibility timeouts, receipt handles that the next receive makes
 * void, and a redrive policy. It checks that each request is signed for SQS, but no signature.
 */
export class SqsServer {
  /** Operations in the order in which they came. */
  readonly calls: string[] = [];
  /** Bodies of the messages that the redrive policy has moved away. */
  readonly dead: string[] = [];
  /** Every request is answered with 500. */
  isDown = false;
  /** The next message that is received has another body than its checksum says. */
  corruptsNext = false;
  /** Most receives of a message. Then the redrive policy moves it away. */
  maxReceiveCount = 1_000;
  private messages: Stored[] = [];
  private readonly polls = new Set<() => void>();
  private skippedMs = 0;

  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<SqsServer> {
    const server = http.createServer();
    const sqs = new SqsServer(server);
    server.on('request', (request, response) => void sqs.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return sqs;
  }

  get queueUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/123456789012/ivs-events`;
  }

  /** Number of messages that are in the queue, visible or not. */
  get length(): number {
    return this.messages.length;
  }

  /** How often the messages in the queue were received, together. */
  get receives(): number {
    return this.messages.reduce((sum, { receives }) => sum + receives, 0);
  }

  /** Number of polls that wait for a message. */
  get openPolls(): number {
    return this.polls.size;
  }

  send(body: unknown): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    this.messages.push({ id: randomUUID(), body: text, receives: 0, visibleAt: 0, receipt: '' });
    this.endPolls();
  }

  /** Moves the clock of the queue forward. */
  skip(seconds: number): void {
    this.skippedMs += seconds * 1_000;
    this.endPolls();
  }

  /** Answers all open polls, with what there is. */
  endPolls(): void {
    for (const end of this.polls) end();
  }

  async stop(): Promise<void> {
    this.endPolls();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private get now(): number {
    return Date.now() + this.skippedMs;
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
    let text = '';
    for await (const part of request.setEncoding('utf8')) text += String(part);
    this.calls.push(operation);
    const isSigned = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[\w-]+\/sqs\/aws4_request/.test(
      request.headers.authorization ?? '',
    );
    const send = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
    if (!isSigned) send(403, { __type: 'com.amazon.coral.service#MissingAuthenticationToken' });
    else if (this.isDown) send(500, { __type: 'com.amazonaws.sqs#InternalFailure', message: 'down' });
    else send(200, await this.perform(operation, JSON.parse(text) as Call, response));
  }

  private async perform(operation: string, call: Call, response: http.ServerResponse): Promise<object> {
    const { Entries: entries = [], ReceiptHandle = '', VisibilityTimeout } = call;
    switch (operation) {
      case 'ReceiveMessage':
        return await this.receive(call, response);
      case 'DeleteMessage':
        this.delete(ReceiptHandle);
        return {};
      case 'DeleteMessageBatch':
        for (const entry of entries) this.delete(entry.ReceiptHandle);
        return { Successful: entries.map(({ Id }) => ({ Id })), Failed: [] };
      case 'ChangeMessageVisibility':
        this.hide(ReceiptHandle, VisibilityTimeout ?? 0);
        return {};
      default:
        throw new Error(`the queue does not know ${operation}`);
    }
  }

  private delete(receipt: string): void {
    this.messages = this.messages.filter((message) => message.receipt !== receipt);
  }

  private hide(receipt: string, seconds: number): void {
    for (const message of this.messages)
      if (message.receipt === receipt) message.visibleAt = this.now + seconds * 1_000;
  }

  private async receive(call: Call, response: http.ServerResponse): Promise<object> {
    this.redrive();
    if (this.visible.length === 0) await this.poll((call.WaitTimeSeconds ?? 0) * 1_000, response);
    this.redrive();
    if (response.destroyed) return {}; // nobody gets what is handed out
    const messages = this.visible.slice(0, call.MaxNumberOfMessages ?? 1).map((message) => {
      message.receives++;
      message.receipt = randomUUID();
      message.visibleAt = this.now + (call.VisibilityTimeout ?? 30) * 1_000;
      const body = this.corruptsNext ? `${message.body} ` : message.body;
      this.corruptsNext = false;
      return {
        MessageId: message.id,
        ReceiptHandle: message.receipt,
        Body: body,
        MD5OfBody: createHash('md5').update(message.body).digest('hex'),
        Attributes: { ApproximateReceiveCount: String(message.receives) },
      };
    });
    return messages.length > 0 ? { Messages: messages } : {};
  }

  private get visible(): Stored[] {
    return this.messages.filter(({ visibleAt }) => visibleAt <= this.now);
  }

  private redrive(): void {
    const moved = this.visible.filter(({ receives }) => receives >= this.maxReceiveCount);
    this.dead.push(...moved.map(({ body }) => body));
    this.messages = this.messages.filter((message) => !moved.includes(message));
  }

  private async poll(ms: number, response: http.ServerResponse): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.polls.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.polls.add(end);
      response.once('close', end);
    });
  }
}
