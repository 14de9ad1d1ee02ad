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
import { runScheduledChange } from '../stage/scheduled-changes.ts';
import { newWorld, type World } from '../state/world.ts';
import { type Overview, overviewOf } from './overview.ts';

/** An invalid request to the control API. The message is one line that says what is wrong. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

/** The quotas that are in force. */
export interface Quotas {
  mode: RateMode;
  /** Calls a second, by operation. Only the rates that differ from AWS's are listed. */
  rates: Record<string, number>;
  limits: CountLimits;
}

/** The form of a Lambda function's ARN (service model). */
const LAMBDA_ARN = /^arn:aws:lambda:[a-z0-9-]+:[0-9]{12}:function:.+$/;
const CHAT_ACTIONS = ['ConnectToRoom', 'SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'];
const OPERATIONS: ReadonlySet<string> = new Set([
  ...SERVICES.flatMap((service) => Array.from(service.operations.keys())),
  'AssumeRole',
  'GetCallerIdentity',
  ...CHAT_ACTIONS,
]);

/** What a test or a person can do with the emulator in addition to AWS calls. `docs/control.md` describes it. */
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
    const schedule = new Schedule(clock, (change) => {
      runScheduledChange(this.world, change);
      this.changed();
    });
    const rates = new Rates(clock, options.quotas ?? 'on');
    this.world = newWorld({
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
   * Joins a stage with a participant token that IVS made or that the customer signed.
   *
   * @throws StageRefusal with the code that the client would get, for example `TOKEN_EXPIRED`.
   */
  join(token: string, client?: ClientInfo): Joined {
    return this.#change(() => joinStage(this.world, token, client));
  }

  /**
   * Starts the stream of an encoder. The participant of the ingest configuration joins its stage and publishes.
   *
   * @throws StageRefusal when the stream key is not valid or is in use.
   */
  ingest(streamKey: string): ParticipantRef {
    return this.#change(() => stageControl.ingest(this.world, streamKey));
  }

  /** Makes a participant leave, as its client does. */
  leave(participant: ParticipantRef): void {
    this.#change(() => stageControl.leave(this.world, participant));
  }

  /**
   * Makes a participant start to send media.
   *
   * @throws StageRefusal when the token does not allow it, or the stage has its most publishers.
   */
  publish(participant: ParticipantRef): void {
    this.#change(() => stageControl.publish(this.world, participant));
  }

  unpublish(participant: ParticipantRef): void {
    this.#change(() => stageControl.unpublish(this.world, participant));
  }

  /**
   * Mutes or unmutes what a participant sends.
   *
   * @throws StageRefusal when the participant does not publish.
   */
  mute(participant: ParticipantRef, muted: boolean): void {
    this.#change(() => stageControl.mute(this.world, participant, muted));
  }

  /**
   * Makes a participant start to receive the media of another one.
   *
   * @throws StageRefusal when the token does not allow it, or the other participant does not publish.
   */
  subscribe(participant: ParticipantRef, remoteParticipantId: string): void {
    this.#change(() => stageControl.subscribe(this.world, participant, remoteParticipantId));
  }

  unsubscribe(participant: ParticipantRef, remoteParticipantId: string): void {
    this.#change(() => stageControl.unsubscribe(this.world, participant, remoteParticipantId));
  }

  /**
   * Replaces the self-signed token of a participant by another one of the same participant id, with other capabilities.
   *
   * @throws StageRefusal when the tokens do not belong together, or the new one is not valid.
   */
  exchange(participant: ParticipantRef, token: string): void {
    this.#change(() => stageControl.exchange(this.world, participant, token));
  }

  /** Everybody who has joined a session of the stage, connected or not. */
  participants(stageArn: string): ParticipantView[] {
    return viewParticipants(this.world, stageArn);
  }

  /**
   * Arms a fault and returns it. Its counts change with the calls.
   *
   * @throws ControlError for a wrong rule.
   */
  fault(rule: FaultRule): ArmedFault {
    const problem = ruleProblem(rule, (operation) => OPERATIONS.has(operation));
    if (problem) throw new ControlError(problem);
    return this.faultList.arm(rule);
  }

  /** The armed faults, with the number of calls that each matched and struck. */
  get faults(): readonly ArmedFault[] {
    return this.faultList.armed;
  }

  /**
   * Disarms one fault, or all faults.
   *
   * @throws ControlError when no fault has the id.
   */
  clearFaults(id?: number): void {
    if (id === undefined) this.faultList.clear();
    else if (!this.faultList.disarm(id)) throw new ControlError(`there is no fault ${id}`);
  }

  /** The last ten thousand calls, oldest first. */
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

  /**
   * Changes the quotas that are given.
   *
   * @throws ControlError for a wrong value.
   */
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

  /**
   * Changes the switches that are given. `docs/differences.md` describes them.
   *
   * @throws ControlError for a wrong value.
   */
  setSwitches(changes: Partial<Switches>): void {
    const problem = switchProblem(changes);
    if (problem) throw new ControlError(problem);
    Object.assign(this.world.switches, changes);
  }

  /**
   * Moves the emulator's clock forward. Everything that expires in that time expires now. Signatures still use real
   * time.
   *
   * @throws ControlError for a negative number.
   */
  skip(seconds: number): void {
    if (!(Number.isFinite(seconds) && seconds >= 0)) throw new ControlError('seconds must be 0 or more');
    this.#change(() => this.world.clock.skip(seconds * 1000));
  }

  /** The open chat connections of one room, or of all rooms. */
  chatConnections(roomArn?: string): Omit<ChatConnection, 'send' | 'close' | 'cut'>[] {
    return this.world.chatRooms.list(roomArn).map(({ id, roomArn, userId, connectedAt, sessionExpiresAt }) => ({
      id,
      roomArn,
      userId,
      connectedAt,
      sessionExpiresAt,
    }));
  }

  /** Cuts chat connections without a closing handshake, like a lost network. Returns how many. */
  cutChat(filter: { roomArn?: string; userId?: string } = {}): number {
    const connections = this.world.chatRooms
      .list(filter.roomArn)
      .filter((connection) => filter.userId === undefined || connection.userId === filter.userId);
    for (const connection of connections) connection.cut();
    return connections.length;
  }

  /** The last thousand events for EventBridge, oldest first, with their deliveries. */
  events(): readonly SentEvent[] {
    return this.world.events.sent;
  }

  get eventSettings(): Readonly<EventSettings> {
    return this.world.events.settings;
  }

  /**
   * Changes the settings for events that are given.
   *
   * @throws ControlError for a wrong value.
   */
  setEvents(changes: Partial<EventSettings>): void {
    const problem = eventSettingsProblem(changes);
    if (problem) throw new ControlError(problem);
    this.world.events.change(changes);
  }

  /**
   * Sends an event that the emulator does not send by itself, for example the failure of a composition. The ARN of the
   * resource gives its account and Region.
   *
   * @throws ControlError for a wrong event.
   */
  sendEvent(event: { type: DetailType; resource: string; detail: SentEvent['event']['detail'] }): void {
    const { type, resource, detail } = event;
    const arn = typeof resource === 'string' ? parseArn(resource) : undefined;
    if (!arn) throw new ControlError('resource must be the ARN of a stage or composition');
    if (!DETAIL_TYPES.includes(type)) throw new ControlError(`type must be one of ${DETAIL_TYPES.join(', ')}`);
    if (typeof detail?.event_name !== 'string') throw new ControlError('detail must have an event_name');
    this.world.events.emit(arn, type, resource, detail);
  }

  /** The endpoints that take the place of message review handlers, by the ARN of the Lambda function. */
  get reviewHandlers(): Record<string, string> {
    return this.world.reviewHandlers.urls;
  }

  /**
   * Replaces the endpoints of all message review handlers.
   *
   * @throws ControlError for an ARN or a URL of the wrong form.
   */
  setReviewHandlers(urls: Record<string, string>): void {
    for (const [arn, url] of Object.entries(urls)) {
      if (!LAMBDA_ARN.test(arn)) throw new ControlError(`${arn} is not the ARN of a Lambda function`);
      if (!isHttpUrl(url)) throw new ControlError(`the endpoint of ${arn} must begin with http:// or https://`);
    }
    this.world.reviewHandlers.replace(urls);
  }

  /** The data of the page at `/`. */
  overview(): Overview {
    return overviewOf(this.world, this.faultList, this.calls);
  }

  /**
   * Deletes everything: resources, participants, connections, faults and the journal. The settings return to those of
   * the start.
   */
  reset(): void {
    const { world } = this;
    for (const connection of world.chatRooms.list()) connection.cut();
    world.scopes.clear();
    world.usedChatTokens.clear();
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

  /** Called after each change of the world. The emulator overrides it to keep the world on disk. */
  protected changed(): void {}

  /** Makes the scheduled changes that are due, then calls `act`. It reports a change even if `act` throws. */
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
