import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { DestinationConfiguration } from '../chat/types.ts';
import type { EventFrame, MessageFrame } from '../chat/frames.ts';
import { iso } from '../clock.ts';
import { type LogFile, logFileOf } from './destinations.ts';

const compress = promisify(gzip);

/** How long a record waits for others. AWS takes about 5 minutes for S3 and 10 seconds for the other destinations. */
const GATHER_MS = 500;

/** One line of a log (AWS docs, chat logging). */
export interface ChatLogRecord {
  event_timestamp: string;
  type: 'MESSAGE' | 'EVENT';
  /** The frame that the clients received. */
  payload: EventFrame | MessageFrame;
  version: '1.0';
}

/** Records that wait to be written to one file. */
interface Batch {
  logFile: LogFile;
  lines: string[];
  /** When the first of these records came, in milliseconds since 1970, by the emulator's clock. */
  since: number;
}

/**
 * Writes the records of rooms to files, in the background. A chat never waits for it, and never fails because of it.
 */
export class ChatLogs {
  readonly #folder: string | undefined;
  #batches = new Map<string, Batch>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param folder Takes the place of S3, CloudWatch Logs and Firehose. Without a folder, no records are written. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** Records a frame for one destination of a room. */
  write(roomArn: string, destination: DestinationConfiguration, frame: EventFrame | MessageFrame, now: number): void {
    if (this.#folder === undefined) return;
    const record: ChatLogRecord = { event_timestamp: iso(now), type: frame.Type, payload: frame, version: '1.0' };
    const logFile = logFileOf(roomArn, destination);
    const batch = this.#batches.get(logFile.key) ?? { logFile, lines: [], since: now };
    this.#batches.set(logFile.key, batch);
    batch.lines.push(`${JSON.stringify(record)}\n`);
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref();
  }

  /** Writes all records that wait. Resolves when they are on disk. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batches = [...this.#batches.values()];
    this.#batches = new Map();
    // The writes run one after the other, so that the records of a file stay in order.
    this.#writing = this.#writing.then(() => this.#writeAll(batches));
    await this.#writing;
  }

  async #writeAll(batches: Batch[]): Promise<void> {
    for (const { logFile, lines, since } of batches) {
      const file = path.join(this.#folder ?? '', logFile.path(since));
      try {
        await mkdir(path.dirname(file), { recursive: true });
        const text = lines.join('');
        if (logFile.kind === 'stream') await appendFile(file, text);
        else await writeFile(file, await compress(text));
      } catch (error) {
        process.emitWarning(`${lines.length} chat log records are lost: ${(error as Error).message}`);
      }
    }
  }
}
