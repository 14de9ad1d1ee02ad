/** Reads a stream of events as a customer's back end does, and can be cut at any time. */
import http from 'node:http';
import type { Json } from './stagedoor.ts';
import { until } from './until.ts';

/** An API key, or headers that tell who reads. */
type Credential = string | { cookie: string };

/** One connection to the stream. */
export class EventReader {
  /** What came with an id and data: the events of the tenant. */
  readonly events: Json[] = [];
  /** What came without an id: what the service says of the stream itself. */
  readonly notes: { event: string; data: Json }[] = [];
  /** The last id that came, as a browser keeps it. */
  lastEventId: string | undefined;
  comments = 0;
  status: number | undefined;
  isOver = false;
  private buffered = '';
  private response: http.IncomingMessage | undefined;

  private constructor(private readonly request: http.ClientRequest) {}

  /**
   * Opens a stream. It comes again while there are too many: the service may not have noticed yet that another one was cut.
   */
  static async open(base: string, credential: Credential, query = '', lastEventId?: string): Promise<EventReader> {
    let reader: EventReader | undefined;
    await until(async () => {
      reader = await EventReader.ask(base, credential, query, lastEventId);
      return reader.status !== 429 && reader.status !== 503;
    }, 'there is room for a stream');
    return reader as EventReader;
  }

  private static async ask(
    base: string,
    credential: Credential,
    query: string,
    lastEventId?: string,
  ): Promise<EventReader> {
    const headers = {
      ...(typeof credential === 'string' ? { authorization: `Bearer ${credential}` } : credential),
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    };
    const request = http.get(`${base}/v1/events/stream${query}`, { headers, agent: false });
    const reader = new EventReader(request);
    reader.lastEventId = lastEventId;
    await new Promise<void>((resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => {
        reader.status = response.statusCode;
        reader.response = response;
        response.setEncoding('utf8').on('data', (text: string) => reader.read(text));
        response.on('error', () => undefined);
        response.once('close', () => (reader.isOver = true));
        resolve();
      });
    });
    request.on('error', () => (reader.isOver = true));
    return reader;
  }

  get ids(): string[] {
    return this.events.map((event) => event['id'] as string);
  }

  /** Takes nothing until `resume`. The buffers of the connection fill up. */
  pause(): void {
    this.response?.pause();
  }

  resume(): void {
    this.response?.resume();
  }

  /** Cuts the connection. */
  cut(): void {
    this.request.destroy();
    this.isOver = true;
  }

  private read(text: string): void {
    if (this.isOver) return;
    this.buffered += text;
    const blocks = this.buffered.split('\n\n');
    this.buffered = blocks.pop() ?? '';
    for (const block of blocks) this.readBlock(block.split('\n'));
  }

  private readBlock(lines: string[]): void {
    const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    if (lines.some((line) => line.startsWith(':'))) this.comments += 1;
    const [id, event = 'message', data] = [field('id'), field('event'), field('data')];
    if (id !== undefined) this.lastEventId = id;
    if (data === undefined) return;
    if (id === undefined) this.notes.push({ event, data: JSON.parse(data) as Json });
    else this.events.push(JSON.parse(data) as Json);
  }
}
