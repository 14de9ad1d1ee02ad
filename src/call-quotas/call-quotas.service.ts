import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { OperatorCaller, TenantCaller } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import { leftNow, pacingName, type SharedRate, sharedRates } from '../ivs/call-levels.ts';
import { type CallUse, CallUses } from '../ivs/call-uses.ts';
import { IvsCalls } from '../ivs/ivs-calls.ts';
import { accountKey } from '../ivs/ivs-clients.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import type { AccountQuotas, CallQuotas } from './call-quotas.schemas.ts';

/** A row of `ivs_call_levels`. */
const level = z.object({ account: z.string(), operation: z.string(), allowance: z.number(), seconds: z.number() });
type Level = z.output<typeof level>;

/** Shows the rates of IVS that tenants share, what is left of them, and who uses them. */
@Injectable()
export class CallQuotasService {
  constructor(
    private readonly reads: ReadDatabase,
    private readonly uses: CallUses,
    private readonly calls: IvsCalls,
  ) {}

  /** A tenant sees its own account and Region, and of other tenants only their sum. The operator sees all that were used. */
  async list(caller: TenantCaller | OperatorCaller): Promise<CallQuotas> {
    if (caller.kind !== 'operator') {
      const account = accountKey(await this.reads.inTenantOf(caller, (tx) => accountOf(tx, caller.tenantId)));
      const [levels, uses] = await this.read(account);
      return { data: [this.quotasOf(account, levels, uses, caller.tenantId)] };
    }
    const [levels, uses] = await this.read(null);
    const accounts = new Set([...levels, ...uses].map(({ account }) => account));
    return { data: [...accounts].toSorted().map((account) => this.quotasOf(account, levels, uses, undefined)) };
  }

  private async read(account: string | null): Promise<[Level[], CallUse[]]> {
    return await Promise.all([this.reads.call('ivs_call_levels', { account }, level), this.uses.recent(account)]);
  }

  /** @param tenantId the tenant that asks; undefined: the operator. */
  private quotasOf(account: string, levels: Level[], uses: CallUse[], tenantId: string | undefined): AccountQuotas {
    const space = account.lastIndexOf(' ');
    const levelOf = (rate: SharedRate) =>
      levels.find((one) => one.account === account && one.operation === pacingName(rate));
    return {
      account: account.slice(0, space),
      region: account.slice(space + 1),
      quotas: sharedRates.map((rate) => {
        const name = pacingName(rate);
        const made = uses.filter((one) => one.account === account && one.operation === name);
        const { left, waitSeconds } = leftNow(rate, levelOf(rate));
        const queued = this.calls.waitSeconds(account, rate, tenantId ?? '');
        return {
          operation: rate.operation,
          lane: rate.lane,
          perSecond: rate.rate,
          left: rate.lane === 'tokens' ? null : left,
          waitSeconds: Math.round(Math.max(waitSeconds, queued) * 1_000) / 1_000,
          callsInLastMinute: callsOf(made, tenantId),
        };
      }),
    };
  }
}

function callsOf(made: CallUse[], tenantId: string | undefined) {
  const all = Math.round(made.reduce((sum, { calls }) => sum + calls, 0));
  if (tenantId !== undefined) {
    return { yours: Math.round(made.find(({ tenant }) => tenant === tenantId)?.calls ?? 0), all };
  }
  return {
    yours: null,
    all,
    tenants: made.map(({ tenant, calls }) => ({ tenantId: tenant, calls: Math.round(calls) })),
  };
}
