import { Credentials } from '../accounts/credentials.ts';
import { type ArmedFault, type FaultRule, Faults, ruleProblem } from '../faults/faults.ts';
import { SERVICES } from '../http/aws-services.ts';
import { Journal, type JournalEntry, type JournalQuery } from '../journal/journal.ts';
import { type ChatConnection, ChatRooms } from '../messaging/chat-rooms.ts';
import type { EmulatorOptions } from '../options.ts';
import { AWS_COUNT_LIMITS, type CountLimits } from '../quotas/limits.ts';
import { type RateMode, Rates } from '../quotas/rates.ts';
import { type ClientInfo, joinStage, type Joined } from '../stage/join.ts';
import { type ParticipantView, viewParticipants } from '../stage/view.ts';
import { Clock } from '../state/clock.ts';
import { Schedule } from '../state/schedule.ts';
import { DEFAULT_SWITCHES, switchProblem, type Switches } from '../state/switches.ts';
import { runDue } from '../stage/due.ts';
import { emptyWorld, type World } from '../state/world.ts';

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
    const schedule = new Schedule(clock, (due) => runDue(this.world, due));
    const rates = new Rates(clock, options.quotas ?? 'on');
    this.world = emptyWorld({ clock, schedule, rates, chatRooms: new ChatRooms() });
    this.#applyOptions();
  }

  /**
   * Joins a stage with a participant token of either mint.
   *
   * @throws StageRefusal with the code a client would see, such as `TOKEN_EXPIRED` or `PARTICIPANT_DISCONNECTED`.
   */
  join(token: string, client?: ClientInfo): Joined {
    return joinStage(this.world, token, client);
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
    this.world.clock.skip(seconds * 1000);
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

  /** Forgets everything: resources, participants, connections, faults, journal; settings go back to those of the start. */
  reset(): void {
    const { world } = this;
    for (const connection of world.chatRooms.list()) connection.cut();
    world.scopes.clear();
    world.schedule.waiting = [];
    world.clock.reset();
    world.rates.reset();
    this.faultList.clear();
    this.calls.clear();
    Object.assign(world.switches, DEFAULT_SWITCHES);
    Object.assign(world.limits, AWS_COUNT_LIMITS);
    this.#applyOptions();
  }

  #applyOptions(): void {
    const { quotas = 'on', rates, limits, switches } = this.#options;
    this.setQuotas({ mode: quotas, ...(rates && { rates }), ...(limits && { limits }) });
    if (switches) this.setSwitches(switches);
  }
}
