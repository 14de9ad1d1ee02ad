/** Who may import, touch and read what: rules that would otherwise be broken by somebody in a hurry. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { usesOf } from '../dev/sql/read.ts';

const root = path.resolve(import.meta.dirname, '..');

/** The one line in which the folders and loose files of src/ stand: each imports only from its left. */
const shelf = [
  'errors ids limits caller config background redaction check command-line',
  'telemetry database request-context secrets signatures outgoing archive limiting ivs http quotas',
  'events audit roles tenants api-keys issuers console auth',
  'call-quotas refusals spaces grants signing-keys joins delivery watch sessions acts members bans notes webhooks ingest retention erasure journal',
  'checks health openapi logging app.module stop-on-signals app main',
].flatMap((line) => line.split(' '));

/** Every source file that is not a test, with what it says (comments left out). */
function sources(pattern: string): { file: string; text: string }[] {
  return globSync(pattern, { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/node_modules|\/dist\/|\/generated\/|\.test\.ts$/.test(file))
    .map((file) => ({ file, text: withoutComments(readFileSync(path.join(root, file), 'utf8')) }));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}

/** The place of src/ a file is in: its folder, or its own name if it lies loose. */
function placeOf(file: string): string {
  return (path.relative('src', file).split(path.sep)[0] ?? '').replace(/\.ts$/, '');
}

const service = sources('src/**/*.ts');

test('the folders of src/ stand in one line, and each imports only from its left', () => {
  const missing = [...new Set(service.map(({ file }) => placeOf(file)))].filter((place) => !shelf.includes(place));
  expect(missing.map((place) => `${place}: give it its place in the line of test/shelf.test.ts`)).toEqual([]);
  const steps = service.flatMap(({ file, text }) =>
    importsOf(text)
      .filter((target) => target.startsWith('.'))
      .map((target) => path.join(path.dirname(file), target))
      .filter((target) => !shelf.slice(0, shelf.indexOf(placeOf(file)) + 1).includes(placeOf(target)))
      .map((target) => `${file} imports ${target}, which does not stand to its left: ${why}`),
  );
  expect(steps).toEqual([]);
});

const why =
  'a cycle of folders cannot be understood, tested or moved one at a time. Move the shared part left, or the user right.';

/** What only some may do: who may, and why the others may not. */
const reserved: { what: string; pattern: RegExp; allowed: RegExp; reason: string }[] = [
  {
    what: 'imports the AWS SDK',
    pattern: /from '@(aws-sdk|smithy)\//,
    allowed: /^src\/((ivs|archive)\/|secrets\/kms\.ts$)/,
    reason:
      'the wire is the seam: tests and local work point these places at the emulator, or at an S3 or a KMS of their own',
  },
  {
    what: 'reads the environment',
    pattern: /process\.env\b|process\[['"]env/,
    // main hands it to config.ts; migrate, verify, export, restore and master-keys are commands of their own, which need one setting; signing-rate looks
    // at a variable that OpenSSL reads, not the service
    allowed:
      /^src\/(main|database\/migrate|audit\/(verify|export)|journal\/restore|secrets\/master-keys|joins\/signing-rate)\.ts$/,
    reason: 'settings are read and checked once, in config.ts, and named in .env.example',
  },
  {
    what: 'makes a Prisma client or a pool',
    pattern: /new (PrismaClient|pg\.(Pool|Client))\b/,
    allowed: /^src\/(database\/|(audit\/(verify|export)|journal\/restore|secrets\/master-keys)\.ts$)/, // commands of their own, which may take longer than a request
    reason: 'nobody queries without saying whose rows are meant: Database has no way to',
  },
  {
    what: "reads this replica's clock",
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    allowed: /^src\/database\/database-clock\.ts$/,
    reason:
      'it may be wrong. Take the time of the database (DatabaseClock, or now() in SQL), and performance.now() for lengths',
  },
  {
    what: 'writes SQL from pieces',
    pattern: /\$(queryRawUnsafe|executeRawUnsafe)\b|Prisma\.raw\b/,
    allowed: /^src\/database\/sql-call\.ts$/, // puts a call of a function together from constant names
    reason: 'whoever can inject SQL can enter any tenant: tagged templates, parameters and calls of functions only',
  },
];

test.each(reserved)('nobody $what but who may', ({ what, pattern, allowed, reason }) => {
  const found = service.filter(({ file, text }) => pattern.test(text) && !allowed.test(file));
  expect(found.map(({ file }) => `${file} ${what}: ${reason}`)).toEqual([]);
});

test('the emulator imports nothing from outside itself but packages', () => {
  const steps = sources('emulator/**/*.ts').flatMap(({ file, text }) =>
    importsOf(text)
      .filter((target) => target.startsWith('.'))
      .map((target) => path.join(path.dirname(file), target))
      .filter((target) => !target.startsWith(`emulator${path.sep}`))
      .map((target) => `${file} imports ${target}: code shared with the service would share its mistakes about IVS`),
  );
  expect(steps).toEqual([]);
});

/** The folder that owns each table. Its code and its SQL functions are the only ones that read or write the table. */
const owners: Record<string, string> = {
  tenants: 'tenants',
  reservations: 'tenants',
  tenant_settings: 'tenants',
  api_keys: 'api-keys',
  issuers: 'issuers',
  roles: 'roles',
  spaces: 'spaces',
  members: 'members',
  grants: 'grants',
  place_counts: 'grants',
  place_sources: 'grants',
  places: 'grants',
  place_notes: 'grants',
  untold_grants: 'grants',
  signing_keys: 'signing-keys',
  bans: 'bans',
  actions: 'acts',
  unfinished_actions: 'acts',
  deliveries: 'delivery',
  pacing: 'ivs',
  ivs_calls: 'ivs',
  refusals: 'refusals',
  allowances: 'limiting',
  holds: 'watch',
  watches: 'watch',
  stage_looks: 'sessions',
  stage_sessions: 'sessions',
  stage_participants: 'sessions',
  webhooks: 'webhooks',
  webhook_deliveries: 'webhooks',
  ivs_events: 'ingest',
  console_sessions: 'console',
  console_issuers: 'console',
  console_users: 'console',
  user_notes: 'notes',
  idempotency_keys: 'http',
  erasures: 'erasure',
  tenant_ends: 'erasure',
  audit: 'audit',
  audit_checkpoints: 'audit',
  events: 'events',
  event_logs: 'events',
  unsealed_groups: 'audit',
  unsealed_vends: 'audit',
  function_sets: 'database',
  lock_salt: 'database',
  journal_entries: 'journal',
  journal_state: 'journal',
  watchdog: 'health',
  master_keys: 'secrets',
  data_keys: 'secrets',
};

/** Each table, with the name of its property in Prisma's client. */
function models(): { table: string; property: string }[] {
  const schema = readFileSync(path.join(root, 'prisma/schema.prisma'), 'utf8');
  return schema
    .split(/^model /m)
    .slice(1)
    .map((text) => {
      const [, model = ''] = /^(\w+)/.exec(text) ?? [];
      const [, table = ''] = /@@map\("(\w+)"\)/.exec(text) ?? [];
      return { table, property: `${model.charAt(0).toLowerCase()}${model.slice(1)}` };
    });
}

test('every table has an owner', () => {
  expect(
    models()
      .map(({ table }) => table)
      .sort(),
  ).toEqual(Object.keys(owners).sort());
});

test('a table is read and written only in the folder that owns it: TypeScript', () => {
  const trespasses = models().flatMap(({ table, property }) => {
    const uses = new RegExp(`\\btx\\.${property}\\b|\\b(from|into|update|join)\\s+(public\\.)?${table}\\b`);
    return service
      .filter(({ file, text }) => uses.test(text) && placeOf(file) !== owners[table])
      .map(({ file }) => `${file} uses ${table}, which is for ${owners[table]} alone: ask that folder for a function`);
  });
  expect(trespasses).toEqual([]);
});

test('a table is read and written only in the folder that owns it: SQL functions', () => {
  const files = globSync('src/*/sql/*.sql', { cwd: root });
  expect(files.length).toBeGreaterThan(100);
  const trespasses = files.flatMap((file) => {
    const { reads, writes } = usesOf(readFileSync(path.join(root, file), 'utf8'));
    return [...reads, ...writes]
      .map(({ name, line }) => ({ table: name.replace(/^public\./, ''), line }))
      .filter(({ table }) => !table.startsWith('pg_catalog.') && owners[table] !== placeOf(file))
      .map(({ table, line }) => `${file}:${line} uses ${table}, which is for ${owners[table]} alone: call a function`);
  });
  expect(trespasses).toEqual([]);
});

test('every SQL function that changes grants says so to the counts of spaces with a capacity', () => {
  const silent = globSync('src/*/sql/*.sql', { cwd: root }).filter((file) => {
    const sql = readFileSync(path.join(root, file), 'utf8');
    return /update public\.grants\b/.test(sql) && !/\bnote_places\(/.test(sql);
  });
  // Grants of new vends are noted where the capacity of the space is known: record_admission and admit_exchange.
  // Those that an erasure changes are over, and no place is kept for them.
  expect(silent).toEqual(['src/grants/sql/erase_grants.sql']);
});
