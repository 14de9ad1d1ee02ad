/** What is known to be wrong with settings that work. It tells no secret: of a URL its host, and of a secret nothing. */
import { bad, type Check, good } from '../check.ts';
import type { Settings } from '../config.ts';

/** How the request for the checks came in. It shows whether a proxy stands in between. */
export interface Arrival {
  /** Whether it has an X-Forwarded-For. */
  isForwarded: boolean;
  /** Whether the service believes it, as TRUSTED_PROXIES says. */
  isBelieved: boolean;
  /** Address of the other end of the connection. */
  peer: string;
}

/** Checks all settings of which something can be said. */
export function settingChecks(settings: Settings, arrival: Arrival): Check[] {
  return [
    exampleSecrets(settings),
    ownerUrl(settings),
    endpoints(settings),
    proxies(settings, arrival),
    metrics(settings),
    journal(settings),
    archive(settings),
    events(settings),
    privateAddresses(settings),
    drain(settings),
  ];
}

/** Secrets of the documents are known to everybody. */
function exampleSecrets({ operatorToken, masterKeys, ivsEventsSecrets, databaseUrl }: Settings): Check {
  const check = 'secrets';
  const isExample = (secret: string) => /example|change[ _-]?me/i.test(secret);
  const wrong = [
    ...(isExample(operatorToken) ? ['STAGEDOOR_OPERATOR_TOKEN'] : []),
    ...(masterKeys.some((key) => typeof key !== 'string' && isExample(key.toString('latin1')))
      ? ['STAGEDOOR_MASTER_KEY']
      : []),
    ...(ivsEventsSecrets.some(isExample) ? ['IVS_EVENTS_SECRET'] : []),
    ...(isExample(new URL(databaseUrl).password) ? ['the password in DATABASE_URL'] : []),
  ];
  if (wrong.length === 0) return good(check, 'None is one of the documentation.');
  return bad(
    'failed',
    check,
    `The documentation has ${wrong.join(', ')}: everybody knows it.`,
    'Replace it by a random one (docs/operations/rotate.md).',
  );
}

function ownerUrl({ databaseOwnerUrl }: Settings): Check {
  const check = 'DATABASE_OWNER_URL';
  if (databaseOwnerUrl === undefined) return good(check, 'The service has no way to the role that owns the tables.');
  return bad(
    'warning',
    check,
    'The service has it, and does not need it once the database is migrated: whoever takes over the service owns the tables.',
    'Migrate in a job of its own, and take it out of the environment of the service (docs/operations/deploy.md).',
  );
}

function endpoints(settings: Settings): Check {
  const check = 'IVS_ENDPOINT';
  const { ivsEndpoint } = settings;
  if (ivsEndpoint !== undefined && !isOfAws(ivsEndpoint))
    return bad(
      'warning',
      check,
      `The service does not call AWS but ${new URL(ivsEndpoint).host}, as with an emulator.`,
      'Unset it, and IVS_CHAT_ENDPOINT, where people are to meet.',
    );
  const others = {
    KMS_ENDPOINT: settings.kmsEndpoint,
    AUDIT_ARCHIVE_ENDPOINT: settings.auditArchiveEndpoint,
    JOURNAL_ENDPOINT: settings.journalEndpoint,
    IVS_ENDPOINT: ivsEndpoint,
  };
  const open = Object.entries(others).flatMap(([name, url]) => (url?.startsWith('http:') ? [name] : []));
  if (open.length === 0) return good(check, 'The service calls AWS, and encrypts what it sends.');
  return bad('warning', check, `Not encrypted: ${open.join(', ')}.`, 'Use an https address.');
}

function isOfAws(url: string): boolean {
  return /\.(amazonaws\.com(\.cn)?|api\.aws|vpce\.amazonaws\.com)$/.test(new URL(url).hostname);
}

function proxies({ trustedProxies }: Settings, { isForwarded, isBelieved, peer }: Arrival): Check {
  const check = 'TRUSTED_PROXIES';
  if (trustedProxies?.some((range) => range.endsWith('/0')))
    return bad(
      'failed',
      check,
      'It has every address: whoever sends X-Forwarded-For has the address that they like.',
      'Name the addresses of your proxies alone.',
    );
  if (isForwarded && !isBelieved)
    return bad(
      'warning',
      check,
      trustedProxies === undefined
        ? `This request came from ${peer} with an X-Forwarded-For, and no proxy is trusted: nothing is limited by address.`
        : `This request came from ${peer} with an X-Forwarded-For, and this address is not among the trusted proxies.`,
      'If that is your proxy, add its address.',
    );
  if (isForwarded) return good(check, 'The proxy that this request came through is trusted.');
  return good(check, 'This request came without an X-Forwarded-For, so through no proxy that sends one.');
}

function metrics({ metricsPort, metricsPublic, host }: Settings): Check {
  const check = 'METRICS_PORT';
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (metricsPublic && !isLocal)
    return bad(
      'warning',
      check,
      'METRICS_PUBLIC is true: whoever reaches the service can read how many people there are, and what fails.',
      'Set METRICS_PORT, which only Prometheus can reach, and unset METRICS_PUBLIC.',
    );
  if (metricsPublic) return good(check, 'The metrics are public, and the service listens to this machine alone.');
  if (metricsPort !== undefined) return good(check, 'The metrics have a port of their own.');
  return bad(
    'warning',
    check,
    'Nobody can read the metrics, so no alert tells what is wrong.',
    'Set it, and let Prometheus read it (docs/operations/watch.md).',
  );
}

function journal({ journalUrl }: Settings): Check {
  const check = 'JOURNAL_URL';
  if (journalUrl !== undefined) return good(check, `There is a journal, in a ${kindOf(journalUrl)}.`);
  return bad(
    'warning',
    check,
    'There is no journal: a restore from a backup lets in whoever was banned since.',
    'Set it (docs/operations/restore.md).',
  );
}

function archive({ auditArchiveUrl, auditRetentionDays }: Settings): Check {
  const check = 'AUDIT_ARCHIVE_URL';
  if (auditArchiveUrl !== undefined)
    return good(check, `Old audit entries are written to a ${kindOf(auditArchiveUrl)} before they are deleted.`);
  return bad(
    'warning',
    check,
    `Audit entries are deleted for good after ${auditRetentionDays} days.`,
    'Set it if you must keep them for longer (docs/operations/back-up.md).',
  );
}

function kindOf(url: string): 'bucket' | 'folder' {
  return url.startsWith('s3:') ? 'bucket' : 'folder';
}

function events({ ivsEventsSecrets, ivsEventsQueueUrl, presenceLookSeconds }: Settings): Check {
  const check = 'IVS_EVENTS_QUEUE_URL';
  if (ivsEventsSecrets.length === 2)
    return bad(
      'warning',
      check,
      'IVS_EVENTS_SECRET has two secrets, and both are taken.',
      'Take the old one out once EventBridge sends the new one.',
    );
  if (ivsEventsSecrets.length > 0 || ivsEventsQueueUrl !== undefined)
    return good(check, 'Events of IVS can come in. Whether they do, stagedoor_ivs_events_total says.');
  const looks =
    presenceLookSeconds === 0
      ? 'and PRESENCE_LOOK_SECONDS is 0, so who is there is seen only when somebody asks or acts'
      : `so who is there is seen by looks alone, every ${presenceLookSeconds} s at best`;
  return bad(
    'warning',
    check,
    `No events of IVS can come in, ${looks}.`,
    'Let EventBridge send them to a queue, or set IVS_EVENTS_SECRET (docs/operations.md).',
  );
}

function privateAddresses({ jwksAllowPrivateAddresses, webhooksAllowPrivateAddresses }: Settings): Check {
  const check = 'private addresses';
  const allowed = [
    ...(jwksAllowPrivateAddresses ? ['JWKS_ALLOW_PRIVATE_ADDRESSES'] : []),
    ...(webhooksAllowPrivateAddresses ? ['WEBHOOKS_ALLOW_PRIVATE_ADDRESSES'] : []),
  ];
  if (allowed.length === 0) return good(check, 'Tenants cannot make the service call private addresses.');
  return bad(
    'warning',
    check,
    `${allowed.join(' and ')} ${allowed.length === 1 ? 'lets' : 'let'} tenants make the service call your own network, and without encryption.`,
    'Unset it where strangers are tenants.',
  );
}

function drain({ shutdownDrainSeconds }: Settings): Check {
  const check = 'SHUTDOWN_DRAIN_SECONDS';
  if (shutdownDrainSeconds >= 3)
    return good(check, `A replica goes on for ${shutdownDrainSeconds} s when it is stopped.`);
  return bad(
    'warning',
    check,
    `A replica that is stopped goes on for ${shutdownDrainSeconds} s, and load balancers send it requests for longer.`,
    'Unset it (docs/operations/deploy.md#the-container).',
  );
}
