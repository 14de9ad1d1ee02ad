import { Credentials } from '../accounts/credentials.ts';
import { type ArmedFault, type FaultRule, Faults, ruleProblem } from '../faults/faults.ts';
import { ChatLogs } from '../chatlogs/chat-logs.ts';
import { DETAIL_TYPES, type DetailType } from '../eventbridge/envelope.ts';
import { EventBus, type EventSettings, eventSettingsProblem, type SentEvent } from '../eventbridge/event-bus.ts';
import { isHttpUrl } from '../post.ts';
import { Journal, type JournalEntry, type JournalQuery } from '../journal/journal.ts';
import { type ChatConnection, ChatRooms } from '../chat/chat-rooms.ts';
import { ReviewHandlers } from '../chat/review.ts';
import type { EmulatorOptions } from '../options.ts';
import { AWS_COUNT_LIMITS, type CountLimits } from '../quotas/limits.ts';
import { type RateMode, Rates } from '../quotas/rates.ts';
import { SERVICES } from '../operations/services.ts';
import { type ClientInfo, joinStage, type Joined } from '../stage/join.ts';
import { type ParticipantRef, stageControl } from '../stage/control.ts';
import { type ParticipantView, viewParticipants } from '../stage/view.ts';
import { parseArn } from '../arns.ts';
import { Clock } from '../clock.ts';
import { Schedule } from '../state/schedule.ts';
import { DEFAULT_SWITCHES, switchProblem, type Switches } from '../state/switches.ts';
import { runDue } from '../stage/due.ts';
import { emptyWorld, type World } from '../state/world.ts';
import { type Overview, overviewOf } from './overview.ts';

/** A wish the emulator cannot fulfil, said in one line. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

/** Quotas as they are held now. */
export interface Quotas {
  mode: RateMode;
  /** Calls a second of single operations, where they differ from AWS's. */
  rates: Record<string, number>;
  limits: CountLimits;
}

/** As in the service model. */
const LAMBDA_ARN = /^arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:.+$/;
const CHAT_ACTIONS = ['ConnectToRoom', 'SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'];
const OPERATIONS: ReadonlySet<string> = new Set([
  ...SERVICES.flatMap((service) => Array.from(service.operations.keys())),
  'AssumeRole',
  'GetCallerIdentity',
  ...CHAT_ACTIONS,
]);

/** What a test or a person can do to the emulator beside calling it: see `docs/control.md`. */
export class Controls {
  protected readonly world: World;
  protected readonly credentials: Credentials;
  protected readonly faultList = new Faults();
  protected readonly calls = new Journal();
  readonly #options: EmulatorOptions;

  constructor(options: EmulatorOptions) {
    this.#options = options;
    const clock = new Clock();
    this.credentials = new Credentials(clock, options.credentials ?? []);
    const schedule = new Schedule(clock, (due) => {
      runDue(this.world, due);
      this.changed();
    });
    const rates = new Rates(clock, options.quotas ?? 'on');
    this.world = emptyWorld({
      clock,
      schedule,
      rates,
      chatRooms: new ChatRooms(),
      chatLogs: new ChatLogs(options.chatLogs),
      reviewHandlers: new ReviewHandlers(),
      events: new EventBus(clock),
    });
    this.#applyOptions();
  }

  /**
   * Joins a stage with a participant token of either mint.
   *
   * @throws StageRefusal with the code a client would see, such as `TOKEN_EXPIRED` or `PARTICIPANT_DISCONNECTED`.
   */
  join(token: string, client?: ClientInfo): Joined {
    return this.#change(() => joinStage(this.world, token, client));
  }

  /**
   * Starts an encoder's stream by the stream key of an ingest configuration: its participant joins and publishes.
   *
   * @throws StageRefusal when the key opens nothing.
   */
  ingest(streamKey: string): ParticipantRef {
    return this.#change(() => stageControl.ingest(this.world, streamKey));
  }

  /** A participant leaves by its own will. */
  leave(participant: ParticipantRef): void {
    this.#change(() => stageControl.leave(this.world, participant));
  }

  /** A participant starts to send media. */
  publish(participant: ParticipantRef): void {
    this.#change(() => stageControl.publish(this.world, participant));
  }

  unpublish(participant: ParticipantRef): void {
    this.#change(() => stageControl.unpublish(this.world, participant));
  }

  /** A participant starts to receive what another sends. */
  subscribe(participant: ParticipantRef, remoteParticipantId: string): void {
    this.#change(() => stageControl.subscribe(this.world, participant, remoteParticipantId));
  }

  unsubscribe(participant: ParticipantRef, remoteParticipantId: string): void {
    this.#change(() => stageControl.unsubscribe(this.world, participant, remoteParticipantId));
  }

  /** A participant exchanges its self-signed token for another of the same id, to gain or lose rights. */
  exchange(participant: ParticipantRef, token: string): void {
    this.#change(() => stageControl.exchange(this.world, participant, token));
  }

  /** Everybody who joined the stage's sessions, and whether they are still connected. */
  participants(stageArn: string): ParticipantView[] {
    return viewParticipants(this.world, stageArn);
  }

  /** Arms a fault and returns it, with its id and counts. */
  fault(rule: FaultRule): ArmedFault {
    const problem = ruleProblem(rule, (operation) => OPERATIONS.has(operation));
    if (problem) throw new ControlError(problem);
    return this.faultList.arm(rule);
  }

  /** The armed faults, with how often each matched and struck. */
  get faults(): readonly ArmedFault[] {
    return this.faultList.armed;
  }

  /** Disarms one fault, or all. */
  clearFaults(id?: number): void {
    if (id === undefined) this.faultList.clear();
    else if (!this.faultList.disarm(id)) throw new ControlError(`there is no fault ${id}`);
  }

  /** The calls that were made, oldest first. */
  journal(query?: JournalQuery): JournalEntry[] {
    return this.calls.find(query);
  }

  clearJournal(): void {
    this.calls.clear();
  }

  get quotas(): Quotas {
    const { rates, limits } = this.world;
    return { mode: rates.mode, rates: rates.overrides, limits: { ...limits } };
  }

  /** Changes what is given of the quotas, and leaves the rest. */
  setQuotas({
    mode,
    rates = {},
    limits = {},
  }: {
    mode?: RateMode;
    rates?: Record<string, number>;
    limits?: Partial<CountLimits>;
  }): void {
    if (mode !== undefined && !['on', 'strict', 'off'].includes(mode))
      throw new ControlError('mode must be on, strict or off');
    for (const [name, rate] of Object.entries(rates)) {
      if (!OPERATIONS.has(name)) throw new ControlError(`there is no operation ${name}`);
      if (!(typeof rate === 'number' && rate >= 1)) throw new ControlError(`the rate of ${name} must be 1 or more`);
    }
    for (const [name, limit] of Object.entries(limits)) {
      if (!Object.hasOwn(AWS_COUNT_LIMITS, name)) throw new ControlError(`there is no limit ${name}`);
      if (!(Number.isInteger(limit) && limit >= 0)) throw new ControlError(`the limit ${name} must be 0 or more`);
    }
    if (mode) this.world.rates.mode = mode;
    for (const [name, rate] of Object.entries(rates)) this.world.rates.set(name, rate);
    Object.assign(this.world.limits, limits);
  }

  get switches(): Readonly<Switches> {
    return this.world.switches;
  }

  /** Changes the switches that are given; see `docs/differences.md` for what each settles. */
  setSwitches(wish: Partial<Switches>): void {
    const problem = switchProblem(wish);
    if (problem) throw new ControlError(problem);
    Object.assign(this.world.switches, wish);
  }

  /** Skips time, so that what should expire does so now. Signatures go by real time all the same. */
  skip(seconds: number): void {
    if (!(Number.isFinite(seconds) && seconds >= 0)) throw new ControlError('seconds must be 0 or more');
    this.#change(() => this.world.clock.skip(seconds * 1000));
  }

  /** Open chat connections, of one room or of all. */
  chatConnections(roomArn?: string): Omit<ChatConnection, 'send' | 'close' | 'cut'>[] {
    return this.world.chatRooms.list(roomArn).map(({ id, roomArn, userId, connectedAt, sessionExpiresAt }) => ({
      id,
      roomArn,
      userId,
      connectedAt,
      sessionExpiresAt,
    }));
  }

  /** Cuts chat connections off without a closing handshake, as a lost network does. Returns how many. */
  cutChat(where: { roomArn?: string; userId?: string } = {}): number {
    const connections = this.world.chatRooms
      .list(where.roomArn)
      .filter((connection) => where.userId === undefined || connection.userId === where.userId);
    for (const connection of connections) connection.cut();
    return connections.length;
  }

  /** What IVS told EventBridge, oldest first, and what became of it: the last thousand. */
  events(): readonly SentEvent[] {
    return this.world.events.sent;
  }

  get eventSettings(): Readonly<EventSettings> {
    return this.world.events.settings;
  }

  /** Changes what is given of where events go and how badly they are delivered, and leaves the rest. */
  setEvents(wish: Partial<EventSettings>): void {
    const problem = eventSettingsProblem(wish);
    if (problem) throw new ControlError(problem);
    this.world.events.change(wish);
  }

  /**
   * Tells an event by hand, for what does not happen here by itself, such as a composition that fails. The resource
   * says whose it is.
   */
  sendEvent(event: { type: DetailType; resource: string; detail: SentEvent['event']['detail'] }): void {
    const { type, resource, detail } = event;
    const arn = typeof resource === 'string' ? parseArn(resource) : undefined;
    if (!arn) throw new ControlError('resource must be the ARN of a stage or composition');
    if (!DETAIL_TYPES.includes(type)) throw new ControlError(`type must be one of ${DETAIL_TYPES.join(', ')}`);
    if (typeof detail?.event_name !== 'string') throw new ControlError('detail must have an event_name');
    this.world.events.emit(arn, type, resource, detail);
  }

  /** The endpoints that stand for message review handlers, by the ARN of the Lambda function. */
  get reviewHandlers(): Record<string, string> {
    return this.world.reviewHandlers.urls;
  }

  /** Says anew which endpoint stands for which function. */
  setReviewHandlers(urls: Record<string, string>): void {
    for (const [arn, url] of Object.entries(urls)) {
      if (!LAMBDA_ARN.test(arn)) throw new ControlError(`${arn} is not the ARN of a Lambda function`);
      if (!isHttpUrl(url)) throw new ControlError(`the endpoint of ${arn} must begin with http:// or https://`);
    }
    this.world.reviewHandlers.replace(urls);
  }

  /** What the page at `/` shows. */
  overview(): Overview {
    return overviewOf(this.world, this.faultList, this.calls);
  }

  /** Forgets everything: resources, participants, connections, faults, journal; settings go back to those of the start. */
  reset(): void {
    const { world } = this;
    for (const connection of world.chatRooms.list()) connection.cut();
    world.scopes.clear();
    world.schedule.waiting = [];
    world.clock.reset();
    world.rates.reset();
    world.events.reset();
    world.reviewHandlers.replace({});
    this.faultList.clear();
    this.calls.clear();
    Object.assign(world.switches, DEFAULT_SWITCHES);
    Object.assign(world.limits, AWS_COUNT_LIMITS);
    this.#applyOptions();
    this.changed();
  }

  /** Called after whatever changed the world. The emulator keeps it then, if it was told to. */
  protected changed(): void {}

  /** Brings what is due up to date, does something, and says that the world has changed, even if it was refused. */
  #change<Result>(act: () => Result): Result {
    this.world.schedule.catchUp();
    try {
      return act();
    } finally {
      this.changed();
    }
  }

  #applyOptions(): void {
    const { quotas = 'on', rates, limits, switches, events, reviewHandlers } = this.#options;
    this.setQuotas({ mode: quotas, ...(rates && { rates }), ...(limits && { limits }) });
    if (switches) this.setSwitches(switches);
    if (events) this.setEvents(events);
    if (reviewHandlers) this.setReviewHandlers(reviewHandlers);
  }
}
