import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Settings } from '../config.ts';
import { Reach } from './reach.ts';

/** Time until a lost connection is tried again, in milliseconds. */
const againMs = 2_000;

/** Longest wait for a connection, in milliseconds. */
const connectMs = 5_000;

/** The service looks this often whether the connection still lives, in milliseconds. */
const checkMs = 15_000;

/**
 * What other replicas tell by NOTIFY. It needs a connection of its own, and has none behind a connection pooler. A message can
 * be lost while there is none, so everybody who listens also looks by themselves from time to time.
 */
@Injectable()
export class Notifications implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Notifications.name);
  private readonly listeners = new Map<string, Set<(payload: string) => void>>();
  private client: pg.Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private hasStopped = false;

  constructor(
    private readonly settings: Settings,
    private readonly reach: Reach,
  ) {}

  /** Calls `hear` with each message of a channel. Call it before the service has started. The channel is a constant. */
  listen(channel: string, hear: (payload: string) => void): void {
    const known = this.listeners.get(channel);
    if (known) known.add(hear);
    else this.listeners.set(channel, new Set([hear]));
  }

  onApplicationBootstrap(): void {
    if (!this.reach.isPooled && this.listeners.size > 0) void this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.hasStopped = true;
    clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.settings.databaseUrl,
      connectionTimeoutMillis: connectMs,
      query_timeout: connectMs,
      keepAlive: true,
      application_name: 'stagedoor notifications',
    });
    this.client = client;
    let isOver = false;
    const end = () => void client.end().catch(() => undefined);
    const over = (error?: unknown) => {
      if (isOver) return;
      isOver = true;
      if (this.client === client) this.client = undefined;
      end();
      if (this.hasStopped) return;
      if (error !== undefined) this.logger.debug({ err: error }, 'The connection for notifications was lost.');
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.connect(), againMs).unref();
    };
    client.on('error', over);
    client.on('end', () => over());
    client.on('notification', ({ channel, payload = '' }) => {
      for (const hear of this.listeners.get(channel) ?? []) hear(payload);
    });
    try {
      await client.connect();
      for (const channel of this.listeners.keys()) {
        // oxlint-disable-next-line no-await-in-loop -- one connection runs one statement at a time
        await client.query(`listen ${client.escapeIdentifier(channel)}`);
      }
      this.checkLater(client, over);
    } catch (error) {
      over(error);
    }
  }

  /** A connection can die without a word. Then the check fails. */
  private checkLater(client: pg.Client, over: (error: unknown) => void): void {
    if (this.hasStopped || this.client !== client) return;
    this.timer = setTimeout(() => {
      client.query('select').then(() => this.checkLater(client, over), over);
    }, checkMs).unref();
  }
}
