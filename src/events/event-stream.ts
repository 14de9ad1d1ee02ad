import type { ServerResponse } from 'node:http';
import { idOfPlace } from './event-id.ts';
import type { EventsFound, LoggedEvent } from './event-log.ts';
import { onlyIfAsked } from './event-types.ts';
import { toEvent } from './events.service.ts';

/** A comment follows when nothing was sent for this time, in milliseconds. Proxies cut connections that are silent. */
export const heartbeatMs = 15_000;

/** A stream whose reader takes nothing for this time ends, in milliseconds. */
export const slowMs = 60_000;

/** Time that a reader has to take what waits for them when the stream ends, in milliseconds. Then the connection is cut. */
const lastWordMs = 10_000;

/** Bytes that wait for a reader at most before the stream stops to send. */
const mostWaiting = 64 * 1024;

/** Which events a stream is for. */
export interface StreamFilter {
  types?: readonly string[] | undefined;
  spaceId?: string | undefined;
}

/** Why a stream ends: the last event of the stream says it. */
export type EndOfStream = 'stopping' | 'unauthenticated' | 'slow';

const ends: Record<EndOfStream, string> = {
  stopping: 'This replica stops. Connect again.',
  unauthenticated: 'The credential was revoked or has expired.',
  slow: 'Nothing was taken from the stream for a minute. Connect again with Last-Event-ID.',
};

/** Reads events of the stream's tenant after a place. */
export type ReadOn = (after: number) => Promise<EventsFound>;

/** The frames of events, made once for all streams that send them. */
const frames = new WeakMap<LoggedEvent, Buffer>();

function frameOf(logged: LoggedEvent): Buffer {
  const known = frames.get(logged);
  if (known) return known;
  const shown = toEvent(logged);
  const frame = Buffer.from(`id: ${shown.id}\nevent: ${shown.type}\ndata: ${JSON.stringify(shown)}\n\n`);
  frames.set(logged, frame);
  return frame;
}

/**
 * One stream of server-sent events. It is either behind, and reads the log by itself, or live, and gets the new events that
 * the feed of the tenant reads for all. A reader who is too slow for the feed falls behind: what waits for them is in the log,
 * and not in memory.
 */
export class EventStream {
  private isLive = false;
  private isReading = false;
  private isOver = false;
  /** When something was last taken by the reader, and last sent, in milliseconds of `performance.now()`. */
  private takenAt = performance.now();
  private sentAt = performance.now();
  private sentPosition: number;

  /** @param position the place after which the stream begins. */
  constructor(
    private readonly response: ServerResponse,
    private readonly filter: StreamFilter,
    private position: number,
    private readonly readOn: ReadOn,
    /** The place of the feed, as `EventFeed.positionOf`. */
    private readonly feedPosition: () => number | undefined,
  ) {
    this.sentPosition = position;
    response.on('drain', () => {
      this.takenAt = performance.now();
      this.catchUp();
    });
  }

  /** Sends the place where the stream begins. Whoever is cut before the first event goes on from there. */
  begin(): void {
    this.write(`retry: 2000\nid: ${idOfPlace(this.position)}\n\n`);
    this.catchUp();
  }

  /** Takes new events of the feed, which reach to `position`. */
  take(events: LoggedEvent[], position: number): void {
    if (!this.isLive) return;
    if (this.mustWait) {
      this.isLive = false; // reads them when there is room again
      return;
    }
    this.send(
      events.filter((event) => event.position > this.position && this.isWanted(event)),
      position,
    );
  }

  /** Does what is due: a comment if nothing was sent for long, the next try to read, and the end if the reader hangs. */
  tick(now: number): void {
    if (this.isOver) return;
    if (this.response.writableNeedDrain && now - this.takenAt > slowMs) {
      this.end('slow');
      return;
    }
    if (!this.isLive) this.catchUp();
    if (now - this.sentAt < heartbeatMs || this.mustWait) return;
    // Whoever goes on after this place need not look again at what does not fit the filters.
    const place = this.position > this.sentPosition ? `id: ${idOfPlace(this.position)}\n` : '';
    this.sentPosition = this.position;
    this.write(`: \n${place}\n`);
  }

  /** Ends the stream. The last event says why. A reader who does not take it is cut, so that nobody holds up a stop. */
  end(reason: EndOfStream, cutAfterMs = lastWordMs): void {
    if (this.isOver) return;
    this.isOver = true;
    const again = 1_000 + Math.floor(Math.random() * 4_000); // not all readers at once
    const data = JSON.stringify({ reason, detail: ends[reason] });
    this.response.end(`retry: ${again}\nevent: stagedoor.closed\ndata: ${data}\n\n`);
    const timer = setTimeout(() => this.response.destroy(), cutAfterMs);
    this.response.once('close', () => clearTimeout(timer));
  }

  /** Notes that the connection is gone. */
  forget(): void {
    this.isOver = true;
  }

  private get mustWait(): boolean {
    return this.response.writableNeedDrain || this.response.writableLength > mostWaiting;
  }

  private catchUp(): void {
    if (this.isReading || this.isOver || this.mustWait || this.isLive) return;
    this.isReading = true;
    void this.readToFeed().finally(() => (this.isReading = false));
  }

  private async readToFeed(): Promise<void> {
    try {
      while (!this.isOver && !this.mustWait) {
        const feed = this.feedPosition();
        if (feed !== undefined && this.position >= feed) {
          this.isLive = true;
          return;
        }
        const found = await this.readOn(this.position);
        if (this.isOver) return;
        if (found.missed > 0)
          this.write(`event: stagedoor.missed\ndata: ${JSON.stringify({ missed: found.missed })}\n\n`);
        this.send(found.events, found.position);
        if (found.position >= found.last && feed === undefined) return; // the feed has not begun: the next tick goes on
      }
    } catch {
      // The database does not answer, or is too busy. The next tick tries again.
    }
  }

  private isWanted({ type, spaceId }: LoggedEvent): boolean {
    const { types, spaceId: only } = this.filter;
    return (
      (types === undefined ? type !== onlyIfAsked : types.includes(type)) && (only === undefined || spaceId === only)
    );
  }

  private send(events: LoggedEvent[], position: number): void {
    this.position = Math.max(this.position, position);
    const last = events.at(-1);
    if (!last) return;
    this.sentPosition = last.position;
    this.write(events.length === 1 ? frameOf(last) : Buffer.concat(events.map(frameOf)));
  }

  private write(data: string | Buffer): void {
    if (this.isOver) return;
    this.sentAt = performance.now();
    if (!this.response.writableNeedDrain) this.takenAt = this.sentAt;
    this.response.write(data);
  }
}
