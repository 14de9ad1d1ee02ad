import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { z } from 'zod';
import { type Archive, archiveAt } from '../archive/archive.ts';
import { BackgroundWork } from '../background.ts';
import { Settings } from '../config.ts';
import { Database } from '../database/database.ts';
import { Secrets } from '../secrets/secrets.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { journalEntry, nameOf, read, write } from './journal-parts.ts';

/** Largest number of entries of a part. */
const entriesOfPart = 500;

/** Time between two looks for entries that are to be stored, in milliseconds. */
const storedEveryMs = 1_000;

/** Without a journal: time between two looks whether the database has one all the same, in milliseconds. */
const lookedUpEveryMs = 10_000;

/** Time between two looks for parts that the database does not know, in milliseconds. The first look is at the start. */
const comparedEveryMs = 10_000;

/** A start waits so long for the first look, in milliseconds. After that the replica is not ready until the look has ended. */
const startWaitsMs = 5_000;

const backlogRow = z.object({
  journal: z.string().nullable(),
  position: z.coerce.bigint().nullable(),
  oldestSeconds: z.number().nullable(),
  entries: z.array(journalEntry),
});
type Backlog = z.output<typeof backlogRow>;

/** The journal has parts that this database does not know: it was restored from a backup, or the journal is that of another one. */
const older =
  'The database is older than its journal, as after a restore from a backup. The operator replays the journal (docs/operations/restore.md).';

/**
 * Stores what a restore must not undo in the journal: a folder or a bucket outside of the database. A part is created and never
 * replaced, so of several replicas, or of several databases, one writes at each position. A database that does not know a
 * part of its journal was restored from a backup that is older. No replica serves it: banned people would get in.
 */
@Injectable()
export class Journal extends BackgroundWork {
  protected readonly everyMs: number;
  private readonly logger = new Logger(Journal.name);
  private readonly archive: Archive | undefined;
  /** Why nothing is served now, for everybody to read; undefined: the database is as new as its journal. */
  private fault: string | undefined = 'The database was not compared with its journal yet.';
  /** The newest position that this replica has seen. */
  private seen = 0n;
  private comparedAt = -Infinity;
  /** When the oldest entry that is not stored was written, by `performance.now()`. */
  private waitsSince: number | undefined;

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly secrets: Secrets,
    metrics: Metrics,
  ) {
    super();
    const { journalUrl, journalEndpoint: endpoint, region } = settings;
    this.archive = journalUrl === undefined ? undefined : archiveAt(journalUrl, { region, endpoint });
    this.everyMs = this.archive ? storedEveryMs : lookedUpEveryMs;
    const lag = () => (this.waitsSince === undefined ? 0 : (performance.now() - this.waitsSince) / 1000);
    metrics.registry.registerMetric(
      new Gauge({
        name: 'stagedoor_journal_lag_seconds',
        help: 'Age of the oldest ban, revocation or deletion that is not stored in the journal yet.',
        registers: [],
        collect() {
          this.set(lag());
        },
      }),
    );
  }

  /** Why the service must not serve with this database now; undefined: it may. */
  get whyNotReady(): string | undefined {
    return this.fault;
  }

  override async onApplicationBootstrap(): Promise<void> {
    await Promise.race([this.runNow(), sleep(startWaitsMs, undefined, { ref: false })]);
  }

  async run(): Promise<void> {
    for (;;) {
      const backlog = await this.backlog();
      const { archive } = this;
      if (!archive) {
        this.note(backlog.journal === null ? undefined : unset);
        return;
      }
      if (backlog.journal === null || backlog.position === null) {
        if (!(await this.begin(archive))) return;
        continue;
      }
      if (backlog.position < this.seen) {
        this.note(older);
        return;
      }
      this.seen = backlog.position;
      const isDue = performance.now() - this.comparedAt >= comparedEveryMs || this.fault !== undefined;
      if (isDue && !(await this.compare(archive, backlog.position))) return;
      if (backlog.entries.length === 0) return;
      if (!(await this.store(archive, backlog))) return;
    }
  }

  private async backlog(): Promise<Backlog> {
    const backlog = await this.database.value('journal_backlog', { most: entriesOfPart }, backlogRow);
    const { oldestSeconds } = backlog;
    this.waitsSince = oldestSeconds === null ? undefined : performance.now() - oldestSeconds * 1000;
    return backlog;
  }

  /** Begins a journal, unless there is one already: then the database has lost it. Returns whether it has begun. */
  private async begin(archive: Archive): Promise<boolean> {
    if ((await archive.nextName('')) !== undefined) {
      // Another replica may have begun it meanwhile.
      if ((await this.backlog()).journal !== null) return true;
      this.note(older);
      return false;
    }
    await this.database.run('begin_journal', { journal: randomUUID() });
    return true;
  }

  /** Looks whether the database knows the newest part. Returns whether it does. */
  private async compare(archive: Archive, position: bigint): Promise<boolean> {
    const next = await archive.nextName(nameOf(position));
    if (next === undefined) {
      this.comparedAt = performance.now();
      this.note(undefined);
      return true;
    }
    // The part may be of this database: a replica has stored it, and died before it noted that, or is about to note it.
    const knows = next === nameOf(position + 1n) && (await this.settle(archive, position + 1n));
    if (!knows) this.note(older);
    return knows && (await this.compare(archive, position + 1n));
  }

  /** Stores the entries of a backlog as the next part. Returns false if the journal has gone on without this database. */
  private async store(archive: Archive, { journal, position, entries }: Backlog): Promise<boolean> {
    if (journal === null || position === null) return false;
    const next = position + 1n;
    await archive.create(nameOf(next), write({ journal, position: next, entries }, this.secrets.journalKey));
    // Another replica may have been first, with other entries. So what is there is read.
    if (await this.settle(archive, next)) return true;
    this.note(older);
    return false;
  }

  /** Notes in the database that a part is stored. Returns false if the database does not know what is in it. */
  private async settle(archive: Archive, position: bigint): Promise<boolean> {
    const text = await archive.read(nameOf(position));
    if (text === undefined) return false;
    const { journal, entries } = read(text, position, this.secrets.journalKey);
    const known = { journal, position: String(position), entries: entries.map(({ id }) => id), isReplayed: false };
    const isNoted = await this.database.value('note_journal_part', known, z.boolean());
    if (isNoted && position > this.seen) this.seen = position;
    return isNoted;
  }

  private note(fault: string | undefined): void {
    if (fault !== undefined && fault !== this.fault) this.logger.error(fault);
    if (fault === undefined && this.fault !== undefined && this.settings.journalUrl !== undefined)
      this.logger.log('The database is as new as its journal.');
    this.fault = fault;
  }
}

const unset =
  'The database has a journal, and JOURNAL_URL is not set. The operator sets it, or gives the journal up (docs/operations/back-up.md).';
