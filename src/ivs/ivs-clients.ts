import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { IvschatClient } from '@aws-sdk/client-ivschat';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { LRUCache } from 'lru-cache';
import { Settings } from '../config.ts';
import { RoleSession } from './role-session.ts';
import { sessionPolicy, tenantTag } from './session-policy.ts';

/**
 * A Region of an AWS account. With `awsRoleArn` it is the account of that role, which the service assumes. Without, it is
 * the service's own account.
 */
export interface IvsAccount {
  region: string;
  awsRoleArn: string | null;
  awsExternalId: string | null;
  /** Id of the tenant that calls are made for, so that they are counted as its calls. */
  id?: string;
}

/** An account, and the tenant a call is made for. Several tenants may share an account. */
export interface IvsTenant extends IvsAccount {
  /** Id of the tenant. */
  id: string;
}

/** The two SDK clients of one account and Region. */
export interface IvsClients {
  realTime: IVSRealTimeClient;
  chat: IvschatClient;
}

/** A key for maps that hold one entry for each account and Region. */
export function accountKey(account: IvsAccount): string {
  return `${account.awsRoleArn ?? 'own'} ${account.region}`;
}

/** What the SDK asks for credentials. */
type AssumeRole = ReturnType<typeof fromTemporaryCredentials>;

/**
 * Makes and keeps the SDK clients: one pair for each Region of the service's own account, and one for each tenant with an
 * account of its own. `IVS_ENDPOINT` sets where they call.
 */
@Injectable()
export class IvsClientPool implements OnApplicationShutdown {
  /** The clients share the connections below, which outlive each of them. */
  private readonly clients = new LRUCache<string, IvsClients>({ max: 1_000 });
  private readonly endpoint: { endpoint: string } | undefined;
  private readonly requestHandler = new NodeHttpHandler({
    connectionTimeout: 1_000,
    requestTimeout: 2_500,
    throwOnRequestTimeout: true, // without this the SDK only logs a warning
    httpAgent: { maxSockets: 200, keepAlive: true },
    httpsAgent: { maxSockets: 200, keepAlive: true },
  });

  constructor(settings: Settings) {
    this.endpoint = settings.ivsEndpoint === undefined ? undefined : { endpoint: settings.ivsEndpoint };
  }

  of(account: IvsAccount): IvsClients {
    const ofRole = account.awsRoleArn === null ? [] : [account.awsExternalId, account.id];
    const key = [accountKey(account), ...ofRole].join(' ');
    const known = this.clients.get(key);
    if (known) return known;
    // One attempt only: a repeated create could make a second participant or token without a record.
    const config = {
      region: account.region,
      maxAttempts: 1,
      requestHandler: this.requestHandler,
      ...this.endpoint,
      ...(account.awsRoleArn !== null && { credentials: this.credentialsOf(account, account.awsRoleArn) }),
    };
    const made = { realTime: new IVSRealTimeClient(config), chat: new IvschatClient(config) };
    this.clients.set(key, made);
    return made;
  }

  /** Who AWS takes the service for in an account, and the number of that account. No policy can forbid the call. */
  async identityIn(account: IvsAccount): Promise<{ account: string; arn: string }> {
    const { credentials } = this.of(account).realTime.config;
    const { region } = account;
    const sts = new STSClient({
      region,
      maxAttempts: 1,
      requestHandler: this.requestHandler,
      ...this.endpoint,
      credentials,
    });
    const { Account = '', Arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
    return { account: Account, arn: Arn };
  }

  /** The credentials of a session in the account of a tenant, which both clients share. */
  private credentialsOf(account: IvsAccount, roleArn: string) {
    const tagged = this.assumeRole(account, roleArn, true);
    const untagged = this.assumeRole(account, roleArn, false);
    const session = new RoleSession(async () => {
      try {
        return await tagged();
      } catch (error) {
        if (!isTagRefusal(error)) throw error;
        new Logger(IvsClientPool.name).warn(
          { roleArn, tenantId: account.id },
          'The trust policy of the role allows no session tags. Allow sts:TagSession there, beside sts:AssumeRole.',
        );
        return await untagged();
      }
    });
    return () => session.credentials();
  }

  private assumeRole({ id, region, awsExternalId }: IvsAccount, roleArn: string, isTagged: boolean): AssumeRole {
    return fromTemporaryCredentials({
      params: {
        RoleArn: roleArn,
        RoleSessionName: id === undefined ? 'stagedoor' : `stagedoor-${id}`,
        ...(awsExternalId !== null && { ExternalId: awsExternalId }),
        ...(id !== undefined && { Policy: sessionPolicy(id, region) }),
        ...(id !== undefined && isTagged && { Tags: [{ Key: tenantTag, Value: id }] }),
      },
      clientConfig: { region, maxAttempts: 2, requestHandler: this.requestHandler, ...this.endpoint },
    });
  }

  onApplicationShutdown(): void {
    this.clients.clear();
    this.requestHandler.destroy();
  }
}

/** Whether STS refuses a session only because it has tags. It names the right that the trust policy of the role lacks. */
function isTagRefusal(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('AccessDenied') && error.message.includes('sts:TagSession');
}
