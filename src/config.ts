import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** Takes digits only. JavaScript would read `0x10`, `1e3` and blanks as numbers too, but there they are mistakes. */
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((value) => /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number);
const port = wholeNumber(0, 65_535);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' });
const proxies = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .refine((parts) => parts.every((part) => isIP(part) !== 0 || isRange(part)), {
    error: 'must be addresses or CIDR ranges with commas between',
  });
const origins = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .refine((parts) => parts.join() === '*' || parts.every(isOrigin), {
    error: 'must be * or origins such as https://app.example.com with commas between: no path, no * in a name',
  })
  .transform((parts) => (parts.join() === '*' ? ('*' as const) : parts));
/** Two secrets at once, while the one is replaced by the other. */
const ingestSecrets = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .refine((parts) => parts.length <= 2, { error: 'must be one secret, or two with a comma between', abort: true })
  .refine((parts) => parts.every((part) => /^[\x21-\x7e]{32,512}$/.test(part) && new Set(part).size >= leastVariety), {
    error: 'must be random, as `openssl rand -hex 32` prints it: at least 32 characters, ASCII, and no blanks',
  });
const queueUrl = z.string().regex(/^https?:\/\/[\w.-]+(:\d{1,5})?\/\d{12}\/[\w-]{1,80}(\.fifo)?$/, {
  error: 'must be the URL of an SQS queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/ivs-events',
});
const archiveUrl = z.string().regex(/^(file:\/\/\/.*|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?)$/, {
  error: 'must be a folder such as file:///var/lib/stagedoor/audit, or a bucket such as s3://bucket/prefix',
});
const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql:// address' });

/** Least number of different characters or bytes in a secret. A random one of 32 has at least twice as many. */
const leastVariety = 8;

/** Largest number of master keys at once. Two are enough to replace one by another. */
const mostMasterKeys = 8;

/** A master key: 32 bytes, or the ARN of a key in AWS KMS. */
export type MasterKey = Buffer | string;

/** The ARN of a symmetric key in AWS KMS. An alias is none: it can be pointed at another key, which opens nothing of before. */
const kmsKeyArn =
  /^arn:aws[a-z-]*:kms:[a-z]{2}(-[a-z]+)+-\d:\d{12}:key\/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** The first one seals. The others open what they have sealed, while it is sealed anew. */
export const masterKeys = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .refine((parts) => parts.every((part) => !part.startsWith('arn:') || kmsKeyArn.test(part)), {
    error:
      'must name a key of AWS KMS by the ARN of the key, such as arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab, and not by an alias',
    abort: true,
  })
  .refine((parts) => parts.every((part) => part.startsWith('arn:') || /^[A-Za-z0-9+/]{43}=$/.test(part)), {
    error:
      'must be 32 bytes in base64, as `openssl rand -base64 32` prints them, or the ARN of a key in AWS KMS, or several of these with commas between: the one that seals first',
    abort: true,
  })
  .refine((parts) => parts.length <= mostMasterKeys, { error: `must be ${mostMasterKeys} keys at most`, abort: true })
  .refine((parts) => new Set(parts).size === parts.length, { error: 'must not have a key twice', abort: true })
  .transform((parts) => parts.map((part): MasterKey => (part.startsWith('arn:') ? part : Buffer.from(part, 'base64'))))
  .refine((keys) => keys.every((key) => typeof key === 'string' || new Set(key).size >= leastVariety), {
    error: 'must be random, as `openssl rand -base64 32` prints it',
  });

/** Every variable that the service reads. `.env.example` describes each. */
const environment = z.object({
  PORT: port.default(3000),
  HOST: z.string().min(1).default('0.0.0.0'),
  METRICS_PORT: port.optional(),
  METRICS_PUBLIC: flag.default(false),
  SHUTDOWN_DRAIN_SECONDS: wholeNumber(0, 300).default(5),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  DATABASE_URL: postgresUrl,
  DATABASE_OWNER_URL: postgresUrl.optional(),
  DATABASE_POOL_SIZE: wholeNumber(2, 200).default(10),
  STAGEDOOR_OPERATOR_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,}$/, { error: 'must have at least 32 characters: ASCII, and no blanks', abort: true })
    // The service recognises the kind of a credential by its form.
    .refine(
      (token) => !token.startsWith('sk_') && token.split('.').length < 3,
      'must not look like an API key or a JWT',
    )
    .refine((token) => new Set(token).size >= leastVariety, 'must be random, as `openssl rand -hex 32` prints it'),
  STAGEDOOR_MASTER_KEY: masterKeys,
  KMS_ENDPOINT: httpUrl.optional(),
  AWS_REGION: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a Region such as us-east-1'),
  IVS_ENDPOINT: httpUrl.optional(),
  IVS_CHAT_ENDPOINT: z.url({ protocol: /^wss?$/, error: 'must be a ws:// or wss:// address' }).optional(),
  IVS_EVENTS_SECRET: ingestSecrets.optional(),
  IVS_EVENTS_QUEUE_URL: queueUrl.optional(),
  JWKS_ALLOW_PRIVATE_ADDRESSES: flag.default(false),
  WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: flag.default(false),
  TRUSTED_PROXIES: proxies.optional(),
  CORS_ORIGINS: origins.default('*'),
  VENDS_PER_USER_PER_MINUTE: wholeNumber(1, 10_000).default(30),
  ACTS_PER_MODERATOR_PER_MINUTE: wholeNumber(1, 100_000).default(120),
  ACTS_PER_API_KEY_PER_MINUTE: wholeNumber(1, 1_000_000).default(12_000),
  REQUESTS_PER_USER_PER_MINUTE: wholeNumber(1, 1_000_000).default(600),
  REQUESTS_PER_API_KEY_PER_MINUTE: wholeNumber(1, 100_000_000).default(60_000),
  REQUESTS_PER_TENANT_PER_MINUTE: wholeNumber(1, 100_000_000).default(300_000),
  VENDS_PER_API_KEY_PER_MINUTE: wholeNumber(1, 100_000_000).default(300_000),
  VENDS_PER_TENANT_PER_MINUTE: wholeNumber(1, 100_000_000).default(300_000),
  REQUESTS_AT_ONCE_PER_TENANT: wholeNumber(1, 100_000).default(200),
  FAILURES_PER_ADDRESS_PER_MINUTE: wholeNumber(1, 1_000_000).default(600),
  CONNECTIONS_PER_ADDRESS: wholeNumber(1, 1_000_000).default(1_000),
  CONNECTIONS_PER_REPLICA: wholeNumber(1, 1_000_000).default(20_000),
  EVENT_RETENTION_DAYS: wholeNumber(1, 3_650).default(30),
  // IVS allows tokens of 14 days, and what was done against a token counts as long as the token.
  GRANT_RETENTION_DAYS: wholeNumber(15, 3_650).default(90),
  AUDIT_RETENTION_DAYS: wholeNumber(30, 3_650).default(400),
  AUDIT_ARCHIVE_URL: archiveUrl.optional(),
  AUDIT_ARCHIVE_ENDPOINT: httpUrl.optional(),
  JOURNAL_URL: archiveUrl.optional(),
  JOURNAL_ENDPOINT: httpUrl.optional(),
  EVENT_STREAMS_PER_TENANT: wholeNumber(1, 10_000).default(1_000),
  PRESENCE_LOOK_SECONDS: wholeNumber(0, 3_600).default(15),
  EVENT_STREAMS_PER_REPLICA: wholeNumber(1, 100_000).default(10_000),
});

/** The checked environment. Code that has a `Settings` need not check whether a value is there. */
export class Settings {
  readonly port: number;
  readonly host: string;
  readonly metricsPort: number | undefined;
  /** Whether the public port serves the metrics. They tell strangers how many people there are, and what fails. */
  readonly metricsPublic: boolean;
  /** The service serves for this time after SIGTERM, although it is not ready. */
  readonly shutdownDrainSeconds: number;
  readonly logLevel: string;
  /** URL of the OpenTelemetry collector. Without it the service sends no traces. */
  readonly otlpEndpoint: string | undefined;
  readonly databaseUrl: string;
  /** Migrations connect with this URL, as the owner of the tables. The service itself must not be the owner. */
  readonly databaseOwnerUrl: string | undefined;
  readonly databasePoolSize: number;
  readonly operatorToken: string;
  /** The first one seals; the others open what they have sealed. */
  readonly masterKeys: readonly MasterKey[];
  /** URL of the API of AWS KMS. Without it the service calls AWS. */
  readonly kmsEndpoint: string | undefined;
  /** AWS Region of tenants that were created without one. */
  readonly region: string;
  /** URL of both IVS control planes and of STS. Without it the service calls AWS. */
  readonly ivsEndpoint: string | undefined;
  /** URL that chat clients connect to. Without it they connect to the AWS endpoint of the tenant's Region. */
  readonly ivsChatEndpoint: string | undefined;
  /** What `POST /ingest/ivs-events` takes as its secret: none (then the route is off), one, or two. */
  readonly ivsEventsSecrets: readonly string[];
  /** URL of the SQS queue from which the service reads the events of IVS. Without it there is none. */
  readonly ivsEventsQueueUrl: string | undefined;
  readonly jwksAllowPrivateAddresses: boolean;
  readonly webhooksAllowPrivateAddresses: boolean;
  /** Addresses or CIDR ranges of proxies. The service believes their X-Forwarded-For. */
  readonly trustedProxies: string[] | undefined;
  /** Origins whose pages may call the API from a browser; `*`: all. */
  readonly corsOrigins: '*' | readonly string[];
  readonly vendsPerUserPerMinute: number;
  readonly actsPerModeratorPerMinute: number;
  readonly actsPerApiKeyPerMinute: number;
  /** Requests of a user that are neither vends nor acts. */
  readonly requestsPerUserPerMinute: number;
  /** Requests of an API key, or of a person at the console, that are neither vends nor acts. */
  readonly requestsPerApiKeyPerMinute: number;
  /** Requests of a tenant that are neither vends nor acts. The operator can set another number for a tenant. */
  readonly requestsPerTenantPerMinute: number;
  readonly vendsPerApiKeyPerMinute: number;
  readonly vendsPerTenantPerMinute: number;
  /** Requests of a tenant, neither vends nor acts nor streams, that one replica works on at the same time. */
  readonly requestsAtOncePerTenant: number;
  /** How often an address may send a credential, or name a space or tenant, that nobody knows. */
  readonly failuresPerAddressPerMinute: number;
  /** Open connections of one address, unless it may be a proxy. */
  readonly connectionsPerAddress: number;
  /** Open connections of one replica. */
  readonly connectionsPerReplica: number;
  /** Events are dropped when they are older. */
  readonly eventRetentionDays: number;
  /** Grants are deleted when they have expired for longer, and with them actions, their deliveries, and bans that have ended. */
  readonly grantRetentionDays: number;
  /** Audit entries are deleted when they are older. */
  readonly auditRetentionDays: number;
  /** Folder or bucket that gets audit entries before they are deleted. Without it they are deleted and no more. */
  readonly auditArchiveUrl: string | undefined;
  /** URL of the S3 API, if it is not that of AWS. */
  readonly auditArchiveEndpoint: string | undefined;
  /** Folder or bucket of the journal, which a restore from a backup replays. Without it there is none. */
  readonly journalUrl: string | undefined;
  /** URL of the S3 API for the journal, if it is not that of AWS. */
  readonly journalEndpoint: string | undefined;
  /** Largest number of streams of events that a tenant has on one replica. */
  readonly eventStreamsPerTenant: number;
  /** Seconds between two looks at who is on a stage; 0: there are none. */
  readonly presenceLookSeconds: number;
  /** Largest number of streams of events of one replica. */
  readonly eventStreamsPerReplica: number;

  private constructor(env: z.output<typeof environment>) {
    this.port = env.PORT;
    this.host = env.HOST;
    this.metricsPort = env.METRICS_PORT;
    this.metricsPublic = env.METRICS_PORT === undefined && env.METRICS_PUBLIC;
    this.shutdownDrainSeconds = env.SHUTDOWN_DRAIN_SECONDS;
    this.logLevel = env.LOG_LEVEL;
    this.otlpEndpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT;
    this.databaseUrl = env.DATABASE_URL;
    this.databaseOwnerUrl = env.DATABASE_OWNER_URL;
    this.databasePoolSize = env.DATABASE_POOL_SIZE;
    this.operatorToken = env.STAGEDOOR_OPERATOR_TOKEN;
    this.masterKeys = env.STAGEDOOR_MASTER_KEY;
    this.kmsEndpoint = env.KMS_ENDPOINT;
    this.region = env.AWS_REGION;
    this.ivsEndpoint = env.IVS_ENDPOINT;
    this.ivsChatEndpoint = env.IVS_CHAT_ENDPOINT ?? env.IVS_ENDPOINT?.replace(/^http/, 'ws');
    this.ivsEventsSecrets = env.IVS_EVENTS_SECRET ?? [];
    this.ivsEventsQueueUrl = env.IVS_EVENTS_QUEUE_URL;
    this.jwksAllowPrivateAddresses = env.JWKS_ALLOW_PRIVATE_ADDRESSES;
    this.webhooksAllowPrivateAddresses = env.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES;
    this.trustedProxies = env.TRUSTED_PROXIES;
    this.corsOrigins = env.CORS_ORIGINS;
    this.vendsPerUserPerMinute = env.VENDS_PER_USER_PER_MINUTE;
    this.actsPerModeratorPerMinute = env.ACTS_PER_MODERATOR_PER_MINUTE;
    this.actsPerApiKeyPerMinute = env.ACTS_PER_API_KEY_PER_MINUTE;
    this.requestsPerUserPerMinute = env.REQUESTS_PER_USER_PER_MINUTE;
    this.requestsPerApiKeyPerMinute = env.REQUESTS_PER_API_KEY_PER_MINUTE;
    this.requestsPerTenantPerMinute = env.REQUESTS_PER_TENANT_PER_MINUTE;
    this.vendsPerApiKeyPerMinute = env.VENDS_PER_API_KEY_PER_MINUTE;
    this.vendsPerTenantPerMinute = env.VENDS_PER_TENANT_PER_MINUTE;
    this.requestsAtOncePerTenant = env.REQUESTS_AT_ONCE_PER_TENANT;
    this.failuresPerAddressPerMinute = env.FAILURES_PER_ADDRESS_PER_MINUTE;
    this.connectionsPerAddress = env.CONNECTIONS_PER_ADDRESS;
    this.connectionsPerReplica = env.CONNECTIONS_PER_REPLICA;
    this.eventRetentionDays = env.EVENT_RETENTION_DAYS;
    this.grantRetentionDays = env.GRANT_RETENTION_DAYS;
    this.auditRetentionDays = env.AUDIT_RETENTION_DAYS;
    this.auditArchiveUrl = env.AUDIT_ARCHIVE_URL;
    this.auditArchiveEndpoint = env.AUDIT_ARCHIVE_ENDPOINT;
    this.journalUrl = env.JOURNAL_URL;
    this.journalEndpoint = env.JOURNAL_ENDPOINT;
    this.eventStreamsPerTenant = env.EVENT_STREAMS_PER_TENANT;
    this.presenceLookSeconds = env.PRESENCE_LOOK_SECONDS;
    this.eventStreamsPerReplica = env.EVENT_STREAMS_PER_REPLICA;
  }

  /** What must never be told: the settings that are secrets. Short passwords are left out: they may be words. */
  get secrets(): string[] {
    const passwords = [this.databaseUrl, this.databaseOwnerUrl ?? '']
      .flatMap((url) => (URL.canParse(url) ? [new URL(url).password] : []))
      .flatMap((password) => [password, unescaped(password)]);
    return [
      this.operatorToken,
      ...this.masterKeys.filter((key) => typeof key !== 'string').map((key) => key.toString('base64')),
      ...this.ivsEventsSecrets,
      ...new Set(passwords.filter((password) => password.length >= 12)),
    ];
  }

  /**
   * Reads and checks the environment. An empty variable counts as unset.
   * @param required variables that this start needs, in addition to those that every start needs.
   * @throws {InvalidSettings} with all wrong variables at once.
   */
  static from(env: NodeJS.ProcessEnv, required: string[] = []): Settings {
    const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
    const result = environment.safeParse(given);
    const faults = (result.error?.issues ?? []).map((issue) => {
      const name = String(issue.path[0]);
      return `${name} ${given[name] === undefined ? 'is required' : lowerFirst(issue.message)}`;
    });
    faults.push(...required.filter((name) => given[name] === undefined).map((name) => `${name} is required`));
    if (!result.success || faults.length > 0) throw new InvalidSettings(faults);
    return new Settings(result.data);
  }

  /** The names of all variables. A test compares them with `.env.example`. */
  static readonly variables = Object.keys(environment.shape);
}

/** The environment is not valid. The message has no values, because some of them are secrets. */
export class InvalidSettings extends Error {
  constructor(readonly faults: string[]) {
    super(`The settings are not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}\nSee .env.example.`);
    this.name = 'InvalidSettings';
  }
}

/** Asks `isIP` too, because ipaddr.js alone reads `2` as 0.0.0.2, and whoever writes `2` means a number of hops. */
function isRange(part: string): boolean {
  return isIP(part.split('/')[0] ?? '') !== 0 && ipaddr.isValidCIDR(part);
}

/**
 * Whether a browser sends this text as `origin`: lower case, without a path and without the usual port. Apps in a web view
 * have schemes of their own, such as `capacitor://localhost`.
 */
function isOrigin(part: string): boolean {
  if (/^https?:/i.test(part)) return URL.canParse(part) && new URL(part).origin === part && !part.includes('*');
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d{1,5})?$/.test(part);
}

/** A part of a URL as it was before it was escaped. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
