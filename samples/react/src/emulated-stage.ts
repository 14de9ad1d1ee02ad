/**
 * A stage of the IVS emulator, with the face of the class `Stage` of amazon-ivs-web-broadcast. The emulator streams no
 * media: who is on the stage, what they may do and what they publish is real, and there is no picture.
 *
 * Delete this file when you copy the sample to use it with Amazon IVS alone.
 */
import type { StageParticipantInfo, StageStrategy } from 'amazon-ivs-web-broadcast';

/** A camera and a microphone that do not exist. It takes the place of a LocalStageStream. */
export class EmulatedStream {
  isMuted = false;
  onMuteChanged: (() => void) | undefined;

  setMuted = (muted: boolean): void => {
    this.isMuted = muted;
    this.onMuteChanged?.();
  };
}

/** How often the page asks who is on the stage, in milliseconds. */
const LOOK_MS = 500;

/** What the emulator answers about a participant (`ParticipantView` in the emulator's sources). */
interface Seen {
  participantId: string;
  userId: string;
  attributes: Record<string, string>;
  state: 'CONNECTED' | 'DISCONNECTED';
  capabilities: { publish: boolean; subscribe: boolean };
  publishing: boolean;
  muted: boolean;
  connection: number;
  leaveReason?: string;
}

interface Joined {
  stageArn: string;
  participantId: string;
  connection: number;
}

/** The strategy of the app, with the streams of the emulator. */
type Strategy = Pick<StageStrategy, 'shouldPublishParticipant'> & {
  stageStreamsToPublish(): unknown[];
  /** `none`, `audio_only` or `audio_video`. */
  shouldSubscribeToParticipant(participant: StageParticipantInfo): unknown;
};

type Listener = (...args: never[]) => void;

/** Makes the class that takes the place of `Stage`, for the emulator at this address. */
export function emulatedStage(url: string): new (token: string, strategy: Strategy) => EmulatedStage {
  return class extends EmulatedStage {
    constructor(token: string, strategy: Strategy) {
      super(url, token, strategy);
    }
  };
}

/** A refusal of the emulator, with the code that IVS would give. */
export class EmulatedStageError extends Error {
  override readonly name = 'EmulatedStageError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export class EmulatedStage {
  readonly #url: string;
  readonly #token: string;
  readonly #listeners = new Map<string, Set<Listener>>();
  #strategy: Strategy;
  #joined: Joined | undefined;
  #seen = new Map<string, Seen>();
  #subscribed = new Set<string>();
  #stream: EmulatedStream | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #left = false;
  /** Whether the emulator refused to let this participant publish. The strategy is asked again before the next attempt. */
  #publishRefused = false;

  constructor(url: string, token: string, strategy: Strategy) {
    this.#url = url;
    this.#token = token;
    this.#strategy = strategy;
  }

  on(event: string, listener: Listener): void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener);
  }

  /** Joins the stage. Rejects with the reason if the token does not allow it. */
  async join(): Promise<void> {
    this.#left = false;
    this.#emit('stageConnectionStateChanged', 'connecting');
    let joined: Joined;
    try {
      joined = await this.#call<Joined>('join', { token: this.#token });
    } catch (error) {
      this.#emit('stageConnectionStateChanged', 'errored');
      throw error;
    }
    if (this.#left) {
      // The page left while the answer was on its way.
      await this.#call('leave', joined).catch(() => {});
      return;
    }
    this.#joined = joined;
    // A page that is closed leaves its stage, as the real client does.
    globalThis.addEventListener('pagehide', this.leave);
    this.#emit('stageConnectionStateChanged', 'connected');
    await this.#look();
  }

  leave = (): void => {
    this.#left = true;
    const joined = this.#joined;
    if (!joined) return;
    void this.#call('leave', joined).catch(() => {});
    this.#end('user-initiated');
  };

  /** Asks the strategy again, and does what it says. */
  refreshStrategy = (): void => {
    this.#publishRefused = false;
    void this.#look();
  };

  replaceStrategy(strategy: Strategy): void {
    this.#strategy = strategy;
    this.refreshStrategy();
  }

  /** Takes another token of the same participant, with other capabilities. */
  async exchangeToken(token: string): Promise<void> {
    if (!this.#joined) throw new EmulatedStageError('NOT_CONNECTED', 'The stage is not joined.');
    await this.#call('exchange', { ...this.#joined, token });
    await this.#look();
  }

  /** Looks who is on the stage, tells what has changed, and does what the strategy says. Then looks again. */
  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const joined = this.#joined;
    if (!joined) return;
    try {
      const path = `participants?stageArn=${encodeURIComponent(joined.stageArn)}`;
      const { participants } = await this.#call<{ participants: Seen[] }>(path);
      if (this.#joined !== joined) return;
      this.#tell(participants, joined);
      await this.#act(joined);
    } catch {
      // The emulator was busy or away for a moment. The next look tells.
    }
    if (this.#joined === joined) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
    }
  }

  /** Tells the app what has changed since the last look. */
  #tell(participants: Seen[], joined: Joined): void {
    const me = participants.find(({ participantId }) => participantId === joined.participantId);
    if (me && (me.state === 'DISCONNECTED' || me.connection !== joined.connection)) {
      this.#end(me.connection === joined.connection ? (me.leaveReason ?? 'unknown') : 'token-reused');
      return;
    }
    const before = this.#seen;
    this.#seen = new Map(
      participants.filter(({ state }) => state === 'CONNECTED').map((seen) => [seen.participantId, seen]),
    );
    for (const [id, seen] of before) if (!this.#seen.has(id)) this.#emit('stageParticipantLeft', this.#info(seen));
    for (const [id, seen] of this.#seen) this.#tellOfOne(before.get(id), seen);
  }

  #tellOfOne(before: Seen | undefined, now: Seen): void {
    const info = this.#info(now);
    if (!before) this.#emit('stageParticipantJoined', info);
    if ((before?.publishing ?? false) !== now.publishing) {
      const streams = [new EmulatedStream()];
      this.#emit('stageParticipantPublishStateChanged', info, now.publishing ? 'published' : 'not_published');
      this.#emit(now.publishing ? 'stageParticipantStreamsAdded' : 'stageParticipantStreamsRemoved', info, streams);
    }
    if ((before?.muted ?? false) !== now.muted) this.#emit('stageStreamMuteChanged', info, new EmulatedStream());
    if (before && before.capabilities.publish !== now.capabilities.publish)
      this.#emit('stageParticipantMetadataChanged', info);
  }

  /** Publishes and subscribes as the strategy says. */
  async #act(joined: Joined): Promise<void> {
    const me = this.#seen.get(joined.participantId);
    if (!me) return;
    await this.#publish(joined, me);
    for (const seen of this.#seen.values()) {
      const wants =
        seen !== me && seen.publishing && this.#strategy.shouldSubscribeToParticipant(this.#info(seen)) !== 'none';
      if (wants === this.#subscribed.has(seen.participantId) || !me.capabilities.subscribe) continue;
      await this.#call(wants ? 'subscribe' : 'unsubscribe', { ...joined, remoteParticipantId: seen.participantId });
      if (wants) this.#subscribed.add(seen.participantId);
      else this.#subscribed.delete(seen.participantId);
    }
  }

  async #publish(joined: Joined, me: Seen): Promise<void> {
    const info = this.#info(me);
    const wants = me.capabilities.publish && this.#strategy.shouldPublishParticipant(info);
    const [stream] = wants ? this.#strategy.stageStreamsToPublish() : [];
    this.#watch(stream instanceof EmulatedStream ? stream : undefined);
    const publishes = this.#stream !== undefined && !this.#publishRefused;
    const muted = publishes && this.#stream?.isMuted === true;
    if (publishes === me.publishing && muted === me.muted) return;
    try {
      if (publishes !== me.publishing) await this.#call(publishes ? 'publish' : 'unpublish', joined);
      if (publishes) await this.#call('mute', { ...joined, muted });
    } catch (error) {
      if (!(error instanceof EmulatedStageError)) throw error;
      this.#publishRefused = true;
      this.#emit('stageParticipantPublishStateChanged', info, 'errored');
      return;
    }
    void this.#look();
  }

  /** Listens to the mute button of the stream that is published. */
  #watch(stream: EmulatedStream | undefined): void {
    if (this.#stream) this.#stream.onMuteChanged = undefined;
    this.#stream = stream;
    if (stream) stream.onMuteChanged = this.refreshStrategy;
  }

  #end(reason: string): void {
    clearTimeout(this.#timer);
    globalThis.removeEventListener('pagehide', this.leave);
    this.#watch(undefined);
    this.#joined = undefined;
    const before = this.#seen;
    this.#seen = new Map();
    this.#subscribed.clear();
    for (const seen of before.values()) this.#emit('stageParticipantLeft', this.#info(seen));
    this.#emit('stageConnectionStateChanged', 'disconnected');
    this.#emit('stageLeft', reason);
  }

  #info(seen: Seen): StageParticipantInfo {
    const { publish, subscribe } = seen.capabilities;
    const capabilities = [...(publish ? ['publish'] : []), ...(subscribe ? ['subscribe'] : [])];
    return {
      id: seen.participantId,
      userId: seen.userId,
      attributes: seen.attributes,
      userInfo: seen.attributes,
      capabilities: new Set(capabilities) as StageParticipantInfo['capabilities'],
      isLocal: seen.participantId === this.#joined?.participantId,
      isPublishing: seen.publishing,
      audioMuted: seen.muted,
      videoStopped: seen.muted,
    };
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) (listener as (...args: unknown[]) => void)(...args);
  }

  /** Calls the emulator's control API. Without a body it is a GET. */
  async #call<Answer>(path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.#url}/_emulator/${path}`, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      keepalive: path === 'leave', // the request outlives the page
    });
    const answer = (await response.json()) as Answer & { code?: string; message?: string };
    if (response.ok) return answer;
    throw new EmulatedStageError(
      answer.code ?? 'FAILED',
      answer.message ?? `The emulator answered ${response.status}.`,
    );
  }
}
