import { backoffMs, waitUntil } from '../pace.ts';
import { StagedoorProblem } from '../problem.ts';
import type { Space } from '../space.ts';
import type { StageTokenSource } from '../stage-tokens.ts';
import type { ParticipantInfo, StageClass, StageInstance, StreamOfParticipant } from './sdk-faces.ts';
import { Session } from './session.ts';

/**
 * - `connecting`: also while joining failed and is tried again by itself;
 * - `left`: the user has left, or was taken off, see `leftReason`; `join()` comes back;
 * - `refused`: the service has given a final answer, see `useMe`;
 * - `failed`: joining failed, see `error`; `join()` tries again.
 */
export type StageState = 'idle' | 'connecting' | 'connected' | 'left' | 'refused' | 'failed';

export interface StageParticipant extends ParticipantInfo {
  readonly streams: readonly StreamOfParticipant[];
}

export interface StageView {
  readonly state: StageState;
  /** Everybody on the stage, in the order in which they came, the user too. */
  readonly participants: readonly StageParticipant[];
  /** Why the user is not on the stage any more, in the words of the broadcast SDK (`StageLeftReason`). */
  readonly leftReason: string | null;
  readonly error: Error | null;
}

/** What the app publishes and whom it subscribes to. */
export interface StageWishes {
  /** What to publish: `LocalStageStream`s. None: the user only watches. */
  readonly streams?: readonly unknown[] | undefined;
  /** A strategy of the app (`StageStrategy`), in the place of: publish `streams`, and subscribe to everybody. */
  readonly strategy?: object | undefined;
}

/** A failed joining is tried again this many times, with growing pauses. */
const retries = 4;

/** A moderator may take everybody off at once. They ask again spread over this time, in milliseconds. */
const spreadMs = 2_000;

/** A stage that the session has joined, or is joining. */
interface Visit {
  stage: StageInstance;
  /** The role that the token is for. */
  role: string | null;
  end: () => void;
}

/** One stage, from the first token to the last component that shows it. */
export class StageSession extends Session<StageView> {
  readonly #space: Space;
  readonly #Stage: StageClass;
  readonly #newSource: () => StageTokenSource;
  #source: { tokens: StageTokenSource; end: () => void } | undefined;
  #visit: Visit | undefined;
  /** By component. The newest one counts. */
  readonly #wishes = new Map<unknown, StageWishes>();
  /** The strategy of the app that the stage has. */
  #strategyOfApp: object | undefined;
  #signal: AbortSignal | undefined;
  /** Counts the attempts to be on the stage. One that finds a higher number has been overtaken. */
  #attempt = 0;

  constructor(space: Space, Stage: StageClass, newSource: () => StageTokenSource) {
    super({ state: 'idle', participants: [], leftReason: null, error: null });
    this.#space = space;
    this.#Stage = Stage;
    this.#newSource = newSource;
  }

  /** Takes the wishes of a component, or forgets them, and lets the stage act on them. */
  wish(component: unknown, wishes?: StageWishes): void {
    this.#wishes.delete(component);
    if (wishes) this.#wishes.set(component, wishes);
    const stage = this.#visit?.stage;
    if (this.#wished.strategy === this.#strategyOfApp) stage?.refreshStrategy();
    else stage?.replaceStrategy(this.#strategy() as never);
  }

  /** Lets the stage ask the strategy again, when a strategy of the app has changed its mind. */
  readonly refresh = (): void => this.#visit?.stage.refreshStrategy();

  readonly leave = (): void => {
    this.#attempt++;
    this.#endVisit();
    if (this.#signal) this.change({ state: 'left', leftReason: 'user-initiated' });
  };

  /** Comes back after `left`, `refused` or `failed`. */
  readonly join = (): void => {
    const { state } = this.getView();
    if (!this.#signal || state === 'connected' || state === 'connecting') return;
    const wasRefused = this.#space.getSnapshot().refusal !== null;
    this.#space.retry();
    if (!wasRefused) void this.#enter(this.#signal);
  };

  protected open(signal: AbortSignal): void {
    this.#signal = signal;
    const stop = this.#space.subscribe(() => this.#followSpace(signal));
    signal.addEventListener('abort', () => {
      stop();
      this.#signal = undefined;
      this.#attempt++;
      this.#endVisit();
      this.#source?.end();
      this.#source = undefined;
    });
    void this.#enter(signal);
  }

  #followSpace(signal: AbortSignal): void {
    const { state } = this.getView();
    const { refusal } = this.#space.getSnapshot();
    // Who is on the stage stays until IVS takes them off. A refusal concerns the next token.
    if (refusal && state === 'connecting') this.change({ state: 'refused' });
    if (!refusal && state === 'refused') void this.#enter(signal);
  }

  /** Gets a token and joins; tries again after a failure. */
  async #enter(signal: AbortSignal): Promise<void> {
    const attempt = ++this.#attempt;
    const isOvertaken = () => signal.aborted || attempt !== this.#attempt;
    this.change({ state: 'connecting', leftReason: null, error: null });
    for (let tries = 0; ; tries++) {
      try {
        // A token with which joining failed twice may be the reason.
        const source = this.#tokens(signal, tries >= 2);
        const token = await source.token();
        if (isOvertaken()) return;
        await this.#join(token, source, signal);
        return;
      } catch (error) {
        if (isOvertaken()) return;
        this.#endVisit();
        if (this.#space.getSnapshot().refusal) return this.change({ state: 'refused' });
        if (error instanceof StagedoorProblem || tries >= retries)
          return this.change({ state: 'failed', error: error as Error });
        this.change({ error: error as Error });
        const { now } = this.#space;
        await waitUntil(now() + backoffMs(tries), now, { signal });
        if (isOvertaken()) return;
      }
    }
  }

  /** @param isNew true: the token of before is of no use any more. */
  #tokens(signal: AbortSignal, isNew = false): StageTokenSource {
    if (this.#source && !isNew) return this.#source.tokens;
    this.#source?.end();
    const tokens = this.#newSource();
    // The role has changed, and the token is for another participant: leave, and come in as that one.
    const stop = tokens.onReplaced(() => {
      const { state, leftReason } = this.getView();
      const isAway = state === 'left' && leftReason === 'user-initiated';
      if (!isAway) void this.#enter(signal);
    });
    const end = () => {
      stop();
      tokens.close();
    };
    this.#source = { tokens, end };
    return tokens;
  }

  /** Makes the stage, listens to it and joins it. */
  async #join(token: string, source: StageTokenSource, signal: AbortSignal): Promise<void> {
    this.#endVisit();
    const stage = new this.#Stage(token, this.#strategy() as never);
    const on = stage.on.bind(stage) as (event: string, listener: Listener) => void;
    const off = stage.off.bind(stage) as (event: string, listener: Listener) => void;
    const listeners = this.#listeners(signal);
    for (const [event, listener] of listeners) on(event, listener);
    const detach = source.attach(stage);
    const end = () => {
      for (const [event, listener] of listeners) off(event, listener);
      detach();
      stage.leave();
    };
    this.#visit = { stage, end, role: this.#space.getSnapshot().role };
    await stage.join();
    if (this.#visit?.stage === stage) this.change({ state: 'connected', error: null });
  }

  #endVisit(): void {
    const visit = this.#visit;
    this.#visit = undefined;
    visit?.end();
    if (visit && this.getView().participants.length > 0) this.change({ participants: [] });
  }

  #listeners(signal: AbortSignal): [event: string, listener: Listener][] {
    return [
      ['stageParticipantJoined', (info) => this.#put(info as ParticipantInfo)],
      ['stageParticipantLeft', (info) => this.#remove(info as ParticipantInfo)],
      ['stageParticipantPublishStateChanged', (info) => this.#put(info as ParticipantInfo)],
      ['stageParticipantMetadataChanged', (info) => this.#put(info as ParticipantInfo)],
      ['stageStreamMuteChanged', (info) => this.#put(info as ParticipantInfo)],
      [
        'stageParticipantStreamsAdded',
        (info, streams) =>
          this.#put(info as ParticipantInfo, (before) => [...before, ...(streams as StreamOfParticipant[])]),
      ],
      [
        'stageParticipantStreamsRemoved',
        (info, streams) =>
          this.#put(info as ParticipantInfo, (before) =>
            before.filter((stream) => !isOneOf(stream, streams as StreamOfParticipant[])),
          ),
      ],
      ['stageLeft', (reason) => void this.#left(reason as string, signal)],
    ];
  }

  /** The SDK keeps changing the object that it tells of, so a copy is shown. */
  #put(info: ParticipantInfo, streams = (before: readonly StreamOfParticipant[]) => [...before]): void {
    const { participants } = this.getView();
    const before = participants.find(({ id }) => id === info.id);
    const person: StageParticipant = { ...info, streams: streams(before?.streams ?? []) };
    this.change({
      participants: before
        ? participants.map((other) => (other.id === info.id ? person : other))
        : [...participants, person],
    });
  }

  #remove({ id }: ParticipantInfo): void {
    this.change({ participants: this.getView().participants.filter((other) => other.id !== id) });
  }

  /** The stage was left, and not by this session: that one does not listen any more when it leaves. */
  async #left(reason: string, signal: AbortSignal): Promise<void> {
    const attempt = ++this.#attempt;
    const role = this.#visit?.role;
    this.#endVisit();
    this.change({ state: 'left', leftReason: reason });
    if (reason !== 'participant-disconnected') return;
    // It may be a kick, a ban or another role: the service knows. The token of before is of no use in either case, and its
    // source would ask too.
    const lost = this.#source?.tokens.current?.participantId;
    this.#source?.end();
    this.#source = undefined;
    const { now } = this.#space;
    await waitUntil(now() + Math.random() * spreadMs, now, { signal });
    if (signal.aborted || attempt !== this.#attempt) return;
    try {
      const tokens = this.#tokens(signal);
      tokens.lose(lost);
      await tokens.token();
    } catch {
      if (attempt === this.#attempt && this.#space.getSnapshot().refusal) this.change({ state: 'refused' });
      return;
    }
    if (attempt === this.#attempt && this.#space.getSnapshot().role !== role) void this.#enter(signal);
  }

  get #wished(): StageWishes {
    return [...this.#wishes.values()].at(-1) ?? {};
  }

  #strategy(): object {
    this.#strategyOfApp = this.#wished.strategy;
    const streams = () => this.#wished.streams ?? [];
    return (
      this.#strategyOfApp ?? {
        stageStreamsToPublish: streams,
        shouldPublishParticipant: (me: ParticipantInfo) => streams().length > 0 && me.capabilities.has('publish'),
        shouldSubscribeToParticipant: () => 'audio_video',
      }
    );
  }
}

type Listener = (...args: unknown[]) => void;

/** Streams are the same if they carry the same track. Those without a track (an emulated stage) come one at a time. */
function isOneOf(stream: StreamOfParticipant, streams: readonly StreamOfParticipant[]): boolean {
  return streams.some(({ mediaStreamTrack }) => mediaStreamTrack === stream.mediaStreamTrack);
}
