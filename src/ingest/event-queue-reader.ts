import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Consumer, type ConsumerOptions } from 'sqs-consumer';
import { Settings } from '../config.ts';
import { ReadinessDatabase } from '../database/database.ts';
import { maxBodyBytes } from '../http/json-body.ts';
import { longestPollSeconds, queueClient } from '../ivs/event-queue.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { IngestService } from './ingest.service.ts';
import { type IvsEvent, ivsEvent } from './ivs-event.ts';

type Messages = Parameters<NonNullable<ConsumerOptions['handleMessageBatch']>>[0];
type Message = Messages[number];

/** A message that is not deleted is received again after this time, in seconds. To store ten events takes less. */
const visibilitySeconds = 30;

/** Wait after a poll that failed, or that brought an event that could not be stored, in milliseconds: the first, and the longest. */
const backoffMs = { first: 500, longest: 30_000 };

/** Time between two looks whether the database answers, in milliseconds. */
const databaseEveryMs = 1_000;

/** Time between two looks whether the last batch has ended, in milliseconds. */
const stopEveryMs = 20;

/**
 * Reads the events of IVS from an SQS queue, if IVS_EVENTS_QUEUE_URL is set. A message is deleted once its event is stored, was
 * known, or is none of ours. A message that is no event stays, and the redrive policy of the queue takes it away.
 */
@Injectable()
export class EventQueueReader implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(EventQueueReader.name);
  private readonly stopping = new AbortController();
  private consumer: Consumer | undefined;
  private isReceiving = false;
  private failures = 0;
  private readAt = performance.now();

  constructor(
    private readonly settings: Settings,
    private readonly ingest: IngestService,
    private readonly database: ReadinessDatabase,
    private readonly metrics: Metrics,
  ) {}

  onModuleInit(): void {
    const { ivsEventsQueueUrl: queueUrl, region } = this.settings;
    if (queueUrl === undefined) return;
    this.showAge();
    this.consumer = Consumer.create({
      queueUrl,
      sqs: queueClient(queueUrl, region),
      batchSize: 10,
      waitTimeSeconds: longestPollSeconds,
      visibilityTimeout: visibilitySeconds,
      authenticationErrorTimeout: 0, // this class waits after every failure
      suppressFifoWarning: true, // the order of events does not matter
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      preReceiveMessageCallback: () => this.beforePoll(),
      postReceiveMessageCallback: () => this.afterPoll(),
      handleMessageBatch: (messages) => this.take(messages),
    });
    this.consumer.on('error', (error) => {
      this.failures++;
      if (!this.stopping.signal.aborted)
        this.logger.warn({ err: error }, 'the queue of events of IVS failed; it is read again');
    });
  }

  onApplicationBootstrap(): void {
    this.consumer?.start();
  }

  /** Ends an open poll at once. Messages that have come are stored and deleted first. */
  async beforeApplicationShutdown(): Promise<void> {
    const { consumer } = this;
    if (!consumer) return;
    this.stopping.abort();
    consumer.stop({ abort: this.isReceiving });
    // oxlint-disable-next-line no-await-in-loop -- it waits
    while (consumer.status.isPolling) await sleep(stopEveryMs);
  }

  /**
   * Waits after a failure, and until the database answers. SQS counts how often it hands out a message, and a redrive policy
   * takes away what it has handed out too often. So nothing is received that cannot be stored.
   */
  private async beforePoll(): Promise<void> {
    this.isReceiving = true;
    if (this.failures > 0) {
      await this.pause(Math.min(backoffMs.longest, backoffMs.first * 2 ** Math.min(this.failures - 1, 10)));
    }
    while (!this.stopping.signal.aborted && (await this.database.whyNotReady()) !== undefined) {
      // oxlint-disable-next-line no-await-in-loop -- it waits
      await this.pause(databaseEveryMs);
    }
  }

  private afterPoll(): Promise<void> {
    this.isReceiving = false;
    this.readAt = performance.now();
    this.failures = 0;
    return Promise.resolve();
  }

  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  /** Takes the events of messages side by side. Returns the messages that are to be deleted. */
  private async take(messages: Messages): Promise<Messages> {
    const done = await Promise.all(messages.map((message) => this.takeOne(message)));
    if (done.includes('failed')) this.failures++;
    return messages.filter((_, at) => done[at] === 'done');
  }

  private async takeOne(message: Message): Promise<'done' | 'malformed' | 'failed'> {
    const { MessageId: messageId, Attributes: { ApproximateReceiveCount: receives } = {} } = message;
    const event = eventOf(message.Body ?? '');
    if (!event) {
      this.metrics.ivsEvents.inc({ way: 'queue', outcome: 'malformed', reason: '' });
      this.logger.warn({ messageId, receives }, 'a message in the queue of events of IVS is no event; it stays there');
      return 'malformed';
    }
    try {
      await this.ingest.take(event, 'queue');
      return 'done';
    } catch (error) {
      this.logger.warn(
        { messageId, receives, err: error },
        'an event of IVS could not be stored; it stays in the queue',
      );
      return 'failed';
    }
  }

  private showAge(): void {
    const age = () => (performance.now() - this.readAt) / 1_000;
    this.metrics.registry.registerMetric(
      new Gauge({
        name: 'stagedoor_ivs_events_queue_age_seconds',
        help: 'Time since this replica last read the queue of events of IVS, or since it started. A poll takes 20 s.',
        registers: [],
        collect() {
          this.set(age());
        },
      }),
    );
  }
}

/** The event in the body of a message. The body is text that anybody with a right to the queue has chosen. */
function eventOf(body: string): IvsEvent | undefined {
  if (body.length > maxBodyBytes) return undefined;
  try {
    return ivsEvent.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined; // no JSON, or nested too deep
  }
}
