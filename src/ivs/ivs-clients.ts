import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { IvschatClient } from '@aws-sdk/client-ivschat';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { LRUCache } from 'lru-cache';
import { Settings } from '../config.ts';

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

/** Makes and keeps the SDK clients, one pair for each account and Region. `IVS_ENDPOINT` sets where they call. */
@Injectable()
export class IvsClientPool implements OnApplicationShutdown {
  private readonly clients = new LRUCache<string, IvsClients>({
    max: 1_000,
    dispose: ({ realTime, chat }) => {
      realTime.destroy();
      chat.destroy();
    },
  });
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
    const key = `${accountKey(account)} ${account.awsExternalId}`;
    const known = this.clients.get(key);
    if (known) return known;
    // One attempt only: a repeated create could make a second participant or token without a record.
    const config = {
      region: account.region,
      maxAttempts: 1,
      requestHandler: this.requestHandler,
      ...this.endpoint,
      ...(account.awsRoleArn !== null && {
        credentials: fromTemporaryCredentials({
          params: {
            RoleArn: account.awsRoleArn,
            RoleSessionName: 'stagedoor',
            ...(account.awsExternalId !== null && { ExternalId: account.awsExternalId }),
          },
          clientConfig: {
            region: account.region,
            maxAttempts: 2,
            requestHandler: this.requestHandler,
            ...this.endpoint,
          },
        }),
      }),
    };
    const made = { realTime: new IVSRealTimeClient(config), chat: new IvschatClient(config) };
    this.clients.set(key, made);
    return made;
  }

  onApplicationShutdown(): void {
    this.clients.clear();
    this.requestHandler.destroy();
  }
}
