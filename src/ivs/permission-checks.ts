import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { bad, type Check, good } from '../check.ts';
import { Database } from '../database/database.ts';
import { rateLimited } from '../errors.ts';
import { permissionChecks } from './call-rates.ts';
import { type DryCall, dryCalls } from './dry-calls.ts';
import { IvsCalls } from './ivs-calls.ts';
import { accountKey, type IvsAccount, IvsClientPool } from './ivs-clients.ts';
import { IvsFailure, toIvsFailure } from './ivs-errors.ts';

/** What the check of permissions has found in an account. */
export interface PermissionChecks {
  /** Number of the AWS account; null: AWS did not tell. */
  account: string | null;
  checks: Check[];
}

const whoIs = 'AWS account';

const policy = 'the policy in docs/operations/deploy.md#aws';

/** Names of refusals that are about the credentials, whatever is called. */
const wrongCredentials = new Set([
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'InvalidClientTokenId',
  'ExpiredTokenException',
  'CredentialsProviderError',
]);

/** Tries what AWS lets the service do. It changes nothing there. */
@Injectable()
export class IvsPermissions {
  constructor(
    private readonly pool: IvsClientPool,
    private readonly calls: IvsCalls,
    private readonly database: Database,
  ) {}

  /**
   * Makes each call of `dryCalls` once, all at the same time.
   * @param account the service's own account, or that of a tenant, which then has an `id`.
   * @throws {Problem} `rate_limited` if the account was checked in the last twenty seconds.
   */
  async check(account: IvsAccount): Promise<PermissionChecks> {
    await this.waitForTurn(account);
    const identity = await this.identity(account);
    // Without credentials that AWS accepts, each call would say so again.
    if (identity.account === undefined && identity.check.outcome === 'failed')
      return { account: null, checks: [identity.check] };
    const calls = dryCalls(account.region, identity.account, account.awsRoleArn === null ? undefined : account.id);
    const checks = await Promise.all(calls.map(async (call) => await this.tryOut(account, call)));
    return {
      account: identity.account ?? null,
      checks: [identity.check, ...checks.toSorted((a, b) => a.check.localeCompare(b.check))],
    };
  }

  private async waitForTurn(account: IvsAccount): Promise<void> {
    const { rate, burst } = permissionChecks;
    const granted = await this.database.value(
      'reserve_calls_of_lane',
      {
        account: accountKey(account),
        operation: 'All',
        lane: 'checks',
        wanted: 1,
        rate,
        burst,
        moderation: null,
        leave: 0,
      },
      z.int(),
    );
    if (granted === 0)
      throw rateLimited('This account was checked in the last 20 seconds. Check it again later.', {
        policy: 'permission-checks',
        quota: 1,
        windowSeconds: 1 / rate,
        retryAfterSeconds: 1 / rate,
      });
  }

  private async identity(account: IvsAccount): Promise<{ account: string | undefined; check: Check }> {
    try {
      const { account: number, arn } = await this.pool.identityIn(account);
      return { account: number, check: this.judge(arn, account.region) };
    } catch (error) {
      const { kind, awsName, awsMessage } = toIvsFailure('GetCallerIdentity', error);
      const says = sentence(awsName, awsMessage);
      if (kind !== 'access_denied') {
        const remedy =
          'Let the service reach STS (port 443), and check again. Calls that name a stage or a room were not tried.';
        return {
          account: undefined,
          check: bad('unknown', whoIs, `AWS does not tell who the service is. ${says}`, remedy),
        };
      }
      const found =
        account.awsRoleArn === null
          ? `AWS does not accept the credentials of the service. ${says}`
          : `The service cannot assume ${account.awsRoleArn}. ${says}`;
      const remedy =
        account.awsRoleArn === null
          ? 'Give the service the credentials of its role: by the task, the pod or the instance, or in the environment.'
          : 'Give the role the trust policy in docs/operations/deploy.md#aws, with the external id of the tenant, and let the service assume it.';
      return { account: undefined, check: bad('failed', whoIs, found, remedy) };
    }
  }

  private judge(arn: string, region: string): Check {
    const found = `The service is ${arn} in ${region}.`;
    if (arn.endsWith(':root')) return bad('failed', whoIs, found, `Use a role with ${policy}, never the root user.`);
    if (/:user\//.test(arn))
      return bad(
        'warning',
        whoIs,
        found,
        `Use a role with ${policy}: the keys of a user are good until somebody deletes them.`,
      );
    return good(whoIs, found);
  }

  private async tryOut(account: IvsAccount, call: DryCall): Promise<Check> {
    const operation = call.action.slice(call.action.indexOf(':') + 1);
    const send = async (what: DryCall['send']) => {
      await this.calls.call(account, operation, z.unknown(), what, undefined, 'tenants');
    };
    try {
      await send(call.send);
    } catch (error) {
      return verdict(call, account, toIvsFailure(operation, error));
    }
    if (!call.undo) return good(call.action, 'IVS lets the service do it.');
    const found = `IVS lets the service do it, and has made something that it should have refused.`;
    try {
      await send(call.undo);
      return good(call.action, `${found} It is deleted again.`);
    } catch (error) {
      const { awsName } = toIvsFailure(operation, error);
      const remedy = 'Delete what has the tag stagedoor:tenant and no name, in the console of AWS.';
      return bad('warning', call.action, `${found} It could not be deleted (${awsName}).`, remedy);
    }
  }
}

/** What AWS says, as a sentence of its own. */
function sentence(name: string, message: string): string {
  return `${name}: ${message.replace(/\.$/, '')}.`;
}

/** What an error of IVS says about a permission. */
function verdict({ action, allowed }: DryCall, account: IvsAccount, failure: IvsFailure): Check {
  const { kind, awsName, awsMessage } = failure;
  const says = sentence(awsName, awsMessage);
  if (allowed.includes(kind)) return good(action, 'IVS lets the service do it.');
  if (kind !== 'access_denied')
    return bad('unknown', action, `IVS did not tell. ${says}`, 'Check again in some minutes.');
  if (awsName === 'PendingVerification')
    return bad('failed', action, 'AWS has not verified the account yet.', 'Ask AWS Support to verify the account.');
  if (wrongCredentials.has(awsName))
    return bad('failed', action, `AWS does not accept the credentials. ${says}`, 'See the check of the AWS account.');
  const whose = account.awsRoleArn ?? 'the role of the service';
  const needless = action.endsWith('PublicKey') ? ' A deployment without signing keys does not need it.' : '';
  return bad(
    'failed',
    action,
    `AWS denies it. ${says}`,
    `Allow ${action} in ${whose}, as in ${policy}. A permissions boundary or a policy of the organization can deny it, too.${needless}`,
  );
}
