import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { DestinationConfiguration } from '../chat/types.ts';
import type { EventFrame, MessageFrame } from '../chat/frames.ts';
import { iso } from '../clock.ts';
import { type Place, placeOf } from './destinations.ts';

const compress = promisify(gzip);

/** How long records wait for others. AWS takes some 5 minutes to S3 and 10 s to the others, which nobody wants here. */
const GATHER_MS = 500;

/** One line of a log (AWS docs, chat logging). */
export interface ChatLogRecord {
  event_timestamp: string;
  type: 'MESSAGE' | 'EVENT';
  /** What clients receive. */
  payload: EventFrame | MessageFrame;
  version: '1.0';
}

interface Gathered {
  place: Place;
  lines: string[];
  /** When the first of them came, by the emulator's clock. */
  since: number;
}

/** Writes the records of rooms to files, behind the backs of those who chat: it never makes them wait, nor fail. */
export class ChatLogs {
  readonly #folder: string | undefined;
  #gathered = new Map<string, Gathered>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param folder Stands for all of S3, CloudWatch Logs and Firehose. Without one nothing is written. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** Takes a record for one destination of a room. */
  write(roomArn: string, destination: DestinationConfiguration, frame: EventFrame | MessageFrame, now: number): void {
    if (this.#folder === undefined) return;
    const record: ChatLogRecord = { event_timestamp: iso(now), type: frame.Type, payload: frame, version: '1.0' };
    const place = placeOf(roomArn, destination);
    const gathered = this.#gathered.get(place.key) ?? { place, lines: [], since: now };
    this.#gathered.set(place.key, gathered);
    gathered.lines.push(`${JSON.stringify(record)}\n`);
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref();
  }

  /** Writes what has been gathered, and waits until it is on disk. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = [...this.#gathered.values()];
    this.#gathered = new Map();
    // One batch after the other, so that a stream's records stay in order.
    this.#writing = this.#writing.then(() => this.#writeAll(batch));
    await this.#writing;
  }

  async #writeAll(batch: Gathered[]): Promise<void> {
    for (const { place, lines, since } of batch) {
      const file = path.join(this.#folder ?? '', place.file(since));
      try {
        await mkdir(path.dirname(file), { recursive: true });
        const text = lines.join('');
        if (place.kind === 'stream') await appendFile(file, text);
        else await writeFile(file, await compress(text));
      } catch (error) {
        process.emitWarning(`${lines.length} chat log records are lost: ${(error as Error).message}`);
      }
    }
  }
}
