import { Injectable, Logger } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { IvsChat } from '../ivs/ivs-chat.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { Metrics } from '../telemetry/metrics.ts';

/**
 * Calls a second that all replicas together make for moderation, in one account and Region: a little under IVS's own
 * figures (AWS user guides, service quotas), which other users of the account share.
 */
const rates = {
  DisconnectParticipant: { rate: 4.8, burst: 2 },
  DisconnectUser: { rate: 95, burst: 20 },
  DeleteMessage: { rate: 95, burst: 20 },
  SendEvent: { rate: 95, burst: 20 },
};

/** For how long a call belongs to who has claimed it: longer than any call takes, so that two never make it at once. */
export const leaseSeconds = 10;

/** A claim this old is not used any more: whoever slept on it must look again whether the call is still wanted. */
const staleAfterMs = 2_000;

const maxInFlight = 50;
const inlineDeadlineMs = 2_000;
const claimSql = 'select * from claim_targets($1, $2, $3, $4::interval, $5)';
const finishSql = 'select * from finish_target($1, $2, $3, $4, $5, $6)';

interface Claimed {
  tenant_id: string;
  id: string;
  action_id: string;
  operation: keyof typeof rates;
  arn: string;
  target: string;
  parameters: { reason?: string; attributes?: Record<string, string> };
  attempts: number;
  region: string;
  aws_role_arn: string | null;
  aws_external_id: string | null;
}

interface Outcome {
  state: 'done' | 'not_connected' | 'pending' | 'stuck';
  error: string | null;
  retrySeconds: number | null;
}

/** Makes the calls to IVS that actions need, until they hold. Every replica delivers; a lease keeps them apart. */
@Injectable()
export class Delivery extends BackgroundWork {
  protected readonly everyMs = 250;
  private readonly logger = new Logger(Delivery.name);
  private readonly claims = new Set<Promise<number>>();
  /** Calls on their way, and the action each is for. */
  private readonly inFlight = new Map<Promise<void>, string>();

  constructor(
    private readonly database: ModerationDatabase,
    private readonly realTime: IvsRealTime,
    private readonly chat: IvsChat,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  /** Delivers what an action needs and the rates allow at once, and waits for that for so long at most. */
  async deliver(tenantId: string, actionId: string, withinMs = inlineDeadlineMs): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      await this.claim(tenantId, actionId, maxInFlight);
      await Promise.all(this.claims); // a round in the background may have been quicker
      const calls = [...this.inFlight].filter(([, of]) => of === actionId).map(([call]) => call);
      if (calls.length === 0) return;
      const timeUp = new Promise((resolve) => setTimeout(resolve, deadline - performance.now()).unref());
      await Promise.race([Promise.all(calls), timeUp]);
    }
  }

  /** Starts what is due, of all tenants, without waiting for it: a slow account must not hold up the others. */
  async run(): Promise<void> {
    for (;;) {
      const free = maxInFlight - this.inFlight.size;
      if (free <= 0 || (await this.claim(null, null, free)) === 0) return;
    }
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all(this.inFlight.keys());
  }

  /** Starts the calls that it gets, and tells how many. */
  private async claim(tenantId: string | null, actionId: string | null, limit: number): Promise<number> {
    const claim = this.claimAndStart(tenantId, actionId, limit);
    const settled = claim.catch(() => 0).finally(() => this.claims.delete(settled));
    this.claims.add(settled);
    return await claim;
  }

  private async claimAndStart(tenantId: string | null, actionId: string | null, limit: number): Promise<number> {
    const claimedAt = performance.now();
    const values = [tenantId, actionId, limit, `${leaseSeconds} seconds`, rates];
    const calls = await this.database.call<Claimed>('claim-targets', claimSql, values);
    for (const call of calls) this.start(call, claimedAt);
    return calls.length;
  }

  /** @param claimedAt when the claim was asked for: who is stopped while its answer is under way is late as well. */
  private start(call: Claimed, claimedAt: number): void {
    const work: Promise<void> = this.attempt(call, claimedAt)
      .catch((error: unknown) => {
        // The lease runs out and somebody tries again.
        this.logger.warn({ err: error, operation: call.operation }, 'a delivery could not be noted');
      })
      .finally(() => this.inFlight.delete(work));
    this.inFlight.set(work, call.action_id);
  }

  private async attempt(call: Claimed, claimedAt: number): Promise<void> {
    if (performance.now() - claimedAt > staleAfterMs) return;
    const { state, error, retrySeconds } = await this.make(call);
    this.metrics.deliveries.inc({ operation: call.operation, outcome: state === 'pending' ? 'retry' : state });
    const [silenced] = await this.database.call<{ kind: string; silenced_seconds: number }>(
      'finish-target',
      finishSql,
      [call.tenant_id, call.id, call.attempts, state, error, retrySeconds],
    );
    if (silenced) this.metrics.silence.observe({ kind: silenced.kind }, silenced.silenced_seconds);
  }

  private async make(call: Claimed): Promise<Outcome> {
    try {
      await this.send(call);
      return { state: 'done', error: null, retrySeconds: null };
    } catch (error) {
      return outcomeOf(error, call.attempts, (failure) => {
        this.logger.error(
          { operation: call.operation, actionId: call.action_id, err: failure },
          'IVS refuses a call of moderation: see the IAM policy of the account',
        );
      });
    }
  }

  private async send(call: Claimed): Promise<void> {
    const account: IvsAccount = {
      region: call.region,
      awsRoleArn: call.aws_role_arn,
      awsExternalId: call.aws_external_id,
    };
    const { reason } = call.parameters;
    switch (call.operation) {
      case 'DisconnectParticipant':
        return await this.realTime.disconnectParticipant(account, call.arn, call.target, reason);
      case 'DisconnectUser':
        return await this.chat.disconnectUser(account, call.arn, call.target, reason);
      case 'DeleteMessage':
        return await this.chat.deleteMessage(account, call.arn, call.target, reason);
      case 'SendEvent':
        return await this.chat.sendEvent(account, call.arn, call.target, call.parameters.attributes ?? {});
    }
  }
}

/** What a failed call means for what it was to do. */
function outcomeOf(error: unknown, attempts: number, alarm: (failure: IvsFailure) => void): Outcome {
  if (!(error instanceof IvsFailure)) throw error;
  const text = `${error.awsName}: ${error.awsMessage}`.slice(0, 500);
  if (error.kind === 'not_found') return { state: 'not_connected', error: null, retrySeconds: null };
  if (error.isTransient || error.kind === 'unusable_answer') {
    return { state: 'pending', error: text, retrySeconds: backoffSeconds(attempts) };
  }
  alarm(error);
  return { state: 'stuck', error: text, retrySeconds: 30 };
}

/** A quarter of a second, doubling to half a minute, with full jitter. */
export function backoffSeconds(attempts: number): number {
  return Math.random() * Math.min(30, 0.25 * 2 ** (attempts - 1));
}
