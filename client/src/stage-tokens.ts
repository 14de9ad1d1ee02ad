import type { StageToken } from './api.ts';
import { Listeners } from './listeners.ts';
import { waitUntil } from './pace.ts';
import { StagedoorProblem } from './problem.ts';
import { type Attributes, type ChatEventLike, ownTokens, type Space } from './space.ts';

/** The part of the `Stage` of `amazon-ivs-web-broadcast` that is used here. */
export interface StageLike {
  exchangeToken?(token: string): Promise<void>;
  on?(event: never, listener: never): unknown;
  off?(event: never, listener: never): unknown;
}

/** `StageEvents.STAGE_LEFT`. Its listeners get a reason. */
type StageLeft = ((event: 'stageLeft', listener: (reason: string) => void) => unknown) | undefined;

/** The reason for which a stage is left when a moderator, a ban or a change of role has disconnected the participant. */
const disconnectedReason = 'participant-disconnected';

/** A token is renewed when this part of its life is left, at most this long before its end, in milliseconds. */
const renewAtPart = 0.2;
const renewAtMostMs = 5 * 60_000;

/** Renewals are at least this long apart, in milliseconds, whatever the clock of the computer says. */
const renewAtLeastMs = 30_000;

/**
 * The stage tokens of one space: `await source.token()` is what `new Stage(token, strategy)` takes. While a stage is attached,
 * its token is renewed before it expires, and exchanged when the role of the user changes.
 */
export class StageTokenSource {
  private newest: StageToken | null = null;
  /** The participant whom the service has disconnected, and `Space.retried` of then: a person who wants to come back is another one. */
  private lost: { participantId: string | undefined; retried: number } | undefined;
  private readonly stages = new Set<StageLike>();
  private readonly replacements = new Listeners<StageToken>();
  private readonly ended = new AbortController();
  private readonly stopListening: (() => void)[];

  /** @internal Made by `Stagedoor.stageTokenSource`. */
  constructor(
    private readonly space: Space,
    private readonly attributes?: Attributes,
  ) {
    this.stopListening = [
      space.onRoleChange(() => void this.changeRole()),
      // The participant of the old token may be disconnected for good.
      space.onRetry(() => (this.newest = null)),
    ];
  }

  /** The newest token; null before the first one. */
  get current(): StageToken | null {
    return this.newest;
  }

  /**
   * A token with which one can join now: the newest one, or a new one if that expires soon.
   * @throws StagedoorProblem if the service refuses it.
   */
  async token(): Promise<string> {
    const { newest, space } = this;
    if (newest && !space.getSnapshot().refusal && this.leftMs(newest) > renewAtLeastMs) return newest.token;
    return (await this.fetch()).token;
  }

  /**
   * Keeps the token of a joined stage good: renews it, and exchanges it by `stage.exchangeToken`. Returns the function that
   * ends this; call it when you leave the stage.
   */
  attach(stage: StageLike): () => void {
    this.stages.add(stage);
    const left = new AbortController();
    void this.keepRenewed(left.signal);
    const onLeft = (reason: string) => void (reason === disconnectedReason && this.loseParticipant());
    (stage.on?.bind(stage) as StageLeft)?.('stageLeft', onLeft);
    return () => {
      left.abort();
      this.stages.delete(stage);
      (stage.off?.bind(stage) as StageLeft)?.('stageLeft', onLeft);
    };
  }

  /**
   * Calls a function when the stage has to be left and joined anew, with this token: the role has changed, and the token is for
   * another participant. Returns the function that ends this.
   */
  onReplaced(listener: (token: StageToken) => void): () => void {
    return this.replacements.add(listener);
  }

  /** As `Space.handleChatEvent`: a changed role starts an exchange. Not needed if `watchChat` watches the room. */
  handleChatEvent(event: ChatEventLike): void {
    this.space.handleChatEvent(event);
  }

  /** Ends renewals and exchanges for good. */
  close(): void {
    this.ended.abort();
    this.stages.clear();
    for (const stop of this.stopListening) stop();
  }

  private leftMs({ expiresAt }: StageToken): number {
    return Date.parse(expiresAt) - this.space.now();
  }

  /**
   * @internal The participant was disconnected. The next request names them: if a newer token of the user has taken their place
   * (`oneLiveToken`), the service refuses it (`conflict`). Without the name it would take the place back.
   */
  lose(participantId: string | undefined): void {
    this.newest = null;
    this.lost = { participantId, retried: this.space.retried };
  }

  /** Asks for a token. It is for the participant `before` if they can exchange theirs for it. */
  private async fetch(before?: StageToken): Promise<StageToken> {
    const lost = this.lost?.retried === this.space.retried ? this.lost.participantId : undefined;
    const participantId = before?.participantId ?? lost;
    const wanted = { stage: true, chat: false, ...(participantId !== undefined && { participantId }) };
    const { stage } = await this.space.ask(ownTokens, wanted, this.attributes, this.ended.signal);
    if (!stage) throw this.space.lacks('stage', this.attributes);
    this.newest = stage;
    this.lost = undefined;
    return stage;
  }

  /** Nobody can join with the token any more. The service says whether it was a ban; then the space tells of it. */
  private async loseParticipant(): Promise<void> {
    this.lose(this.newest?.participantId);
    await this.fetch().catch(() => {});
  }

  private async changeRole(): Promise<void> {
    const before = this.newest;
    if (!before || this.stages.size === 0) {
      // Nobody is on a stage. The next one who asks gets a token of the new role.
      this.newest = null;
      return;
    }
    const token = await this.fetch(before).catch(() => undefined); // the space tells of it
    if (token && !(await this.exchange(before, token))) this.replacements.tell(token);
  }

  /** Gives a new token to the stages that are joined. False: they have to be joined anew. */
  private async exchange(before: StageToken, token: StageToken): Promise<boolean> {
    if (before.mint !== 'key-pair' || before.participantId !== token.participantId) return false;
    const exchanged = [...this.stages].map(async (stage) => {
      if (!stage.exchangeToken) throw new Error('This version of amazon-ivs-web-broadcast exchanges no tokens.');
      await stage.exchangeToken(token.token);
    });
    return (await Promise.allSettled(exchanged)).every(({ status }) => status === 'fulfilled');
  }

  /** Renews the token again and again, until the stage is left. A token for another participant is for the next joining. */
  private async keepRenewed(left: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([left, this.ended.signal]);
    const { now } = this.space;
    while (!signal.aborted) {
      const { newest } = this;
      const leftMs = newest ? this.leftMs(newest) : 0;
      const early = Math.min(renewAtMostMs, leftMs * renewAtPart);
      await waitUntil(now() + Math.max(renewAtLeastMs, leftMs - early * (1 + Math.random() / 2)), now, { signal });
      // Somebody else may have renewed it meanwhile.
      if (signal.aborted || !newest || newest !== this.newest) continue;
      const token = await this.fetch(newest).catch((error: unknown) => {
        // The user may have one token, and this one cannot be exchanged (`oneLiveToken`).
        if (error instanceof StagedoorProblem && error.code === 'conflict') return null;
        return undefined;
      });
      if (token === null) return;
      if (token) await this.exchange(newest, token);
    }
  }
}
