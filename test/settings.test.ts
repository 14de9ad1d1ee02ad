import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { InvalidSettings, Settings } from '../src/config.ts';

const root = path.resolve(import.meta.dirname, '..');
const example = readFileSync(path.join(root, '.env.example'), 'utf8');

/** The settings as the file shows them: each commented out, so that a copy of the file changes nothing. */
const shown = parseEnv(example.replaceAll(/^#(?=[A-Z_]+=)/gm, '')) as Record<string, string>;

/** What the service cannot start without. */
const required = {
  DATABASE_URL: 'postgresql://stagedoor@localhost/stagedoor',
  STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
  STAGEDOOR_MASTER_KEY: Buffer.from('stagedoor master key of the test').toString('base64'),
  AWS_REGION: 'us-east-1',
};

/** The variables of `npm start`, as dev/settings.ts and dev/ports.mjs read them. */
function startVariables(): string[] {
  const text = ['dev/settings.ts', 'dev/ports.mjs'].map((file) => readFileSync(path.join(root, file), 'utf8')).join('');
  return [...text.matchAll(/\b(?:env|databaseUrl|readPort)\((?:env, )?'([A-Z_]+)'/g)].map((match) => match[1] ?? '');
}

function faultsOf(env: Record<string, string>): string[] {
  try {
    Settings.from(env);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    return error.faults;
  }
}

test('.env.example names every setting, and nothing that is not one', () => {
  expect(startVariables()).toContain('IVS_EMULATOR_PORT');
  expect(Object.keys(shown).sort()).toEqual([...new Set([...Settings.variables, ...startVariables()])].sort());
});

test('each setting in .env.example stands below a sentence about it', () => {
  const lines = example.split('\n');
  const bare = lines.flatMap((line, at) => {
    const name = /^#([A-Z_]+)=/.exec(line)?.[1];
    const sentence = /^# .*[^-]$/.test(lines[at - 1] ?? '');
    return name !== undefined && !sentence ? [name] : [];
  });
  expect(bare).toEqual([]);
});

test('the values in .env.example work, and a copy of the file as it is sets nothing', () => {
  expect(faultsOf(shown)).toEqual([]);
  expect(parseEnv(example)).toEqual({});
});

test('the four settings marked as required are those without which the service does not start, and no others', () => {
  const marked = [...example.matchAll(/^# Required:(?:.|\n(?!\n))*?\n#([A-Z_]+)=/gm)].map((match) => match[1] ?? '');
  expect(marked.sort()).toEqual(Object.keys(required).sort());
  expect(faultsOf(required)).toEqual([]);
  expect(faultsOf({}).sort()).toEqual(marked.map((name) => `${name} is required`));
});

test('an empty value counts as none', () => {
  expect(faultsOf({ ...required, METRICS_PORT: '', IVS_ENDPOINT: '' })).toEqual([]);
  expect(faultsOf({ ...required, AWS_REGION: '' })).toEqual(['AWS_REGION is required']);
});

const kmsKey = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const wrong: Record<string, string[]> = {
  PORT: ['http', '65536', '-1', '80.5', '0x50', '1e3', ' '],
  HOST: [],
  METRICS_PORT: ['nine', '99999'],
  METRICS_PUBLIC: ['yes', '1'],
  SHUTDOWN_DRAIN_SECONDS: ['-1', '2.5', '301'],
  LOG_LEVEL: ['loud', 'INFO'],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['collector:4318', 'grpc://collector'],
  DATABASE_URL: ['localhost', 'mysql://localhost/db', 'postgresql//localhost'],
  DATABASE_OWNER_URL: ['localhost', 'http://localhost/db'],
  DATABASE_POOL_SIZE: ['0', '1', '201', 'many'],
  STAGEDOOR_OPERATOR_TOKEN: [
    'short',
    'with blanks, which no header carries',
    'sk_looks_like_an_api_key_of_a_tenant_0123',
    'header-of-a-jwt.payload-of-a-jwt.signature-of-a-jwt',
    'a'.repeat(40),
    'abcabcabcabcabcabcabcabcabcabcabcabc',
  ],
  STAGEDOOR_MASTER_KEY: [
    'c2hvcnQ=',
    'not base64 at all',
    Buffer.alloc(33).toString('base64'),
    Buffer.alloc(32).toString('base64'),
    `${required.STAGEDOOR_MASTER_KEY},`,
    `${required.STAGEDOOR_MASTER_KEY}, ${required.STAGEDOOR_MASTER_KEY}`,
    `${required.STAGEDOOR_MASTER_KEY},${Buffer.alloc(32).toString('base64')}`,
    'arn:aws:kms:us-east-1:123456789012:alias/stagedoor',
    'arn:aws:kms:eu-west-1:123456789012:key/no-key',
    `${kmsKey},${kmsKey}`,
    `${kmsKey},`,
    `${kmsKey},${Buffer.alloc(32).toString('base64')}`,
  ],
  KMS_ENDPOINT: ['127.0.0.1:4566', 'kms://localhost'],
  AWS_REGION: ['virginia', 'useast', 'us-east-1a'],
  IVS_ENDPOINT: ['127.0.0.1:4580', 'ws://127.0.0.1'],
  IVS_CHAT_ENDPOINT: ['http://127.0.0.1:4580', 'chat'],
  IVS_EVENTS_SECRET: [
    'short',
    'with blanks, which no header carries as they are',
    'a'.repeat(40),
    'example-ingest-secret-change-me-0123456,',
    'example-ingest-secret-change-me-0123456,example-ingest-secret-change-me-0123457,example-ingest-secret-change-me-0123458',
  ],
  IVS_EVENTS_QUEUE_URL: [
    'my-queue',
    'arn:aws:sqs:us-east-1:123456789012:ivs-events',
    'ftp://sqs.us-east-1.amazonaws.com/123456789012/ivs-events',
    'https://sqs.us-east-1.amazonaws.com/ivs-events',
  ],
  JWKS_ALLOW_PRIVATE_ADDRESSES: ['yes', '1', 'TRUE'],
  WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: ['yes', '1', 'TRUE'],
  TRUSTED_PROXIES: ['proxy.local', '10.0.0.0/33', '10.0.0.1,', '2'],
  CORS_ORIGINS: [
    'live.acme.example',
    'https://live.acme.example/',
    'https://Live.acme.example',
    'https://live.acme.example:443',
    'https://*.acme.example',
    'https://live.acme.example https://b.example',
    '*, https://live.acme.example',
    'https://live.acme.example,',
    'https://user@live.acme.example',
    'null',
    '**',
    'capacitor://Localhost/',
  ],
  VENDS_PER_USER_PER_MINUTE: ['0', '10001', '1.5'],
  ACTS_PER_MODERATOR_PER_MINUTE: ['0', '100001', '1.5'],
  ACTS_PER_API_KEY_PER_MINUTE: ['0', '1000001', '1.5'],
  REQUESTS_PER_USER_PER_MINUTE: ['0', '1000001', '1.5'],
  REQUESTS_PER_API_KEY_PER_MINUTE: ['0', '100000001', '1.5'],
  REQUESTS_PER_TENANT_PER_MINUTE: ['0', '100000001', '1.5'],
  VENDS_PER_API_KEY_PER_MINUTE: ['0', '100000001', '1.5'],
  VENDS_PER_TENANT_PER_MINUTE: ['0', '100000001', '1.5'],
  REQUESTS_AT_ONCE_PER_TENANT: ['0', '100001', '1.5'],
  FAILURES_PER_ADDRESS_PER_MINUTE: ['0', '1000001', '1.5'],
  CONNECTIONS_PER_ADDRESS: ['0', '1000001', '1.5'],
  CONNECTIONS_PER_REPLICA: ['0', '1000001', '1.5'],
  EVENT_RETENTION_DAYS: ['0', '3651', '1.5'],
  GRANT_RETENTION_DAYS: ['14', '3651', '1.5'],
  AUDIT_RETENTION_DAYS: ['29', '3651', '1.5'],
  AUDIT_ARCHIVE_URL: ['/var/audit', 's3:///prefix', 's3://Bucket/prefix', 'https://bucket.s3.amazonaws.com'],
  AUDIT_ARCHIVE_ENDPOINT: ['127.0.0.1:9000', 's3://bucket'],
  JOURNAL_URL: ['/var/journal', 's3:///prefix'],
  JOURNAL_ENDPOINT: ['127.0.0.1:9000'],
  EVENT_STREAMS_PER_TENANT: ['0', '10001', '1.5'],
  PRESENCE_LOOK_SECONDS: ['-1', '3601', '1.5', 'often'],
  EVENT_STREAMS_PER_REPLICA: ['0', '100001', '1.5'],
};

test('every setting has values that are refused', () => {
  expect(Object.keys(wrong).sort()).toEqual([...Settings.variables].sort());
});

test.each(Object.entries(wrong).flatMap(([name, values]) => values.map((value) => [name, value])))(
  '%s=%s is refused, and the value is not repeated',
  (name = '', value = '') => {
    const faults = faultsOf({ ...required, [name]: value });
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name} `))]);
    if (value.length > 4) expect(faults.join()).not.toContain(value);
  },
);

test('every wrong setting is named at once, in one message without a secret in it', () => {
  const bad = Object.fromEntries(Object.entries(wrong).flatMap(([name, [value]]) => (value ? [[name, value]] : [])));
  try {
    Settings.from(bad);
    throw new Error('the settings were accepted');
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidSettings);
    const { message } = error as Error;
    const lines = message.split('\n').slice(1, -1);
    expect(lines.map((line) => line.trim().split(' ')[0] ?? '').sort()).toEqual(Object.keys(bad).sort());
    for (const value of Object.values(bad).filter((value) => value.length > 4)) expect(message).not.toContain(value);
  }
});

test('the service hands its settings on as what they mean', () => {
  const settings = Settings.from({
    ...required,
    IVS_ENDPOINT: 'https://ivs.example',
    TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1',
    METRICS_PORT: '9464',
    CORS_ORIGINS: 'https://app.example.com, http://[::1]:5173,capacitor://localhost',
  });
  expect(settings).toMatchObject({
    port: 3000,
    metricsPort: 9464,
    corsOrigins: ['https://app.example.com', 'http://[::1]:5173', 'capacitor://localhost'],
    ivsChatEndpoint: 'wss://ivs.example',
    trustedProxies: ['10.0.0.0/8', '127.0.0.1'],
    jwksAllowPrivateAddresses: false,
  });
  expect(settings.masterKeys.map(({ length }) => length)).toEqual([32]);
});

test.each([
  kmsKey,
  kmsKey.replace('aws', 'aws-us-gov').replace('us-east-1', 'us-gov-west-1'),
  kmsKey.replace(/key.*/, 'key/mrk-1234abcd12ab34cd56ef1234567890ab'),
])('a master key may be in AWS KMS: %s', (arn) => {
  const masterKey = `${required.STAGEDOOR_MASTER_KEY}, ${arn}`;
  const { masterKeys } = Settings.from({ ...required, STAGEDOOR_MASTER_KEY: masterKey });
  expect(masterKeys).toEqual([expect.any(Buffer), arn]);
});

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ NODE_ENV: 'development' }, false],
  [{ METRICS_PUBLIC: 'true' }, true],
  [{ METRICS_PUBLIC: 'false' }, false],
  [{ METRICS_PORT: '9464' }, false],
  [{ METRICS_PORT: '9464', METRICS_PUBLIC: 'true' }, false],
])('with %j the public port serves the metrics: %j', (env, served) => {
  expect(Settings.from({ ...required, ...env }).metricsPublic).toBe(served);
});
