/**
 * The bench of years (`bench/parts/rows.ts`) calls the SQL functions of vends, acts and looks in a small database and in a large one.
 * This compares its list with the code: a function that is new on these paths is called there, too.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Before } from '../bench/support/path-call.ts';
import { pathCalls } from '../bench/support/path-calls.ts';
import { readFunctions } from '../dev/sql/read.ts';
import { functionSet } from '../src/database/function-set.ts';
import { sqlCall, type SqlArguments } from '../src/database/sql-call.ts';

const root = path.resolve(import.meta.dirname, '..');
const functions = new Map(functionSet.functions.map((one) => [one.name, one]));
const calls = pathCalls('ak_test');

/** Functions that src/ calls and no vend, act or look waits for, by the reason. */
const beside: Record<string, string> = {
  'A page of a list, which somebody looks at. The bench measures lists by their routes.':
    'page_of_audit page_of_bans page_of_deliveries page_of_grants page_of_webhook_deliveries',
  'Tenants, their settings and keys, which are few and change seldom.':
    'add_user_note has_tenants kept_days list_tenants lock_api_key removed_signing_keys revoke_api_keys take_idle_signing_keys ' +
    'take_signing_keys_to_compare tenant_limits unknown_signing_keys',
  'A space is made or ends.': 'forget_members take_unsettled_spaces',
  'The console: a caller has 20 sessions at most.':
    'begin_console_session end_console_session end_sessions_of_person find_console_session find_console_tenant lock_console_user sweep_console_sessions',
  'Encryption: a replica reads a key once, and replaces them in the background.':
    'find_data_key forget_master_key keep_data_key list_master_keys sealed_console_issuers sealed_issuers sealed_signing_keys sealed_webhooks ' +
    'seals_of_answers seals_of_console_issuers seals_of_issuers seals_of_signing_keys seals_of_webhooks use_master_key',
  'Counts of calls to IVS, of which there is one row for a tenant, an account and an operation.':
    'ivs_call_levels ivs_call_uses note_ivs_calls reserve_attempt return_attempt',
  'The log of events and webhooks, which come after.':
    'ask_for_issued_grants event_log_ends feed_webhooks finish_webhook_deliveries lease_webhook_deliveries line_up_chain ' +
    'number_events open_webhook_deliveries place_before_time',
  'Data that ends: small steps in the background. The bench measures the retention of grants and the audit log by itself.':
    'audit_lines drop_audit drop_old_events drop_old_refusals drop_old_sessions ' +
    'sweep_allowances sweep_idempotency_keys sweep_ivs_calls ' +
    'sweep_ivs_events sweep_webhooks',
  'The audit log is verified, which reads all of it.': 'check_audit_chain verify_audit',
  'The journal and a restore.': 'begin_journal end_journal journal_backlog note_journal_part replay_entry',
  'The erasure of a person, and the end of a tenant, in steps.':
    'acts_are_in_effect erase_actions erase_bans erase_deliveries erase_events erase_grants erase_holds erase_ivs_events erase_members ' +
    `erase_notes erase_participants erase_webhook_deliveries take_erasures take_tenant_ends ${named(/^drop_\w+_of_tenant$/).join(' ')}`,
};

/** Functions that the code of the service names. */
function called(): string[] {
  const names = globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !/[/\\]generated[/\\]|\.test\.ts$/.test(file))
    .map((file) => readFileSync(path.join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, ''))
    .flatMap((text) => [...text.matchAll(/'([a-z_]+)'/g)].map(([, name = '']) => name));
  return [...new Set(names)].filter((name) => functions.has(name));
}

/** These functions, and all that they call. Parsing all of them would cost seconds. */
function withInner(names: string[]): Set<string> {
  const reached = new Set(names);
  // The loop goes on with what it finds on its way.
  for (const name of reached) {
    const sql = functions.get(name)?.sql.replaceAll(/--.*$/gm, '') ?? '';
    for (const [, inner = ''] of sql.matchAll(/\b([a-z_]+)\s*\(/g)) if (functions.has(inner)) reached.add(inner);
  }
  return reached;
}

function named(pattern: RegExp): string[] {
  return [...functions.keys()].filter((name) => pattern.test(name));
}

test('the bench of years calls every function of the paths of vends, acts and looks', () => {
  const measured = withInner(calls.map(([, name]) => name));
  const apart = new Set(Object.values(beside).flatMap((names) => names.split(' ')));
  const names = called();
  expect(names).toEqual(
    expect.arrayContaining(['admit', 'settle_groups', 'create_ban', 'finish_watch', 'drop_old_grants']),
  );
  const forgotten = names.filter((name) => !measured.has(name) && !apart.has(name));
  const advice = 'call it in bench/support/path-calls.ts, or say here why no vend, act or look waits for it';
  expect(forgotten.map((name) => `${name}: ${advice}`)).toEqual([]);
  expect([...apart].filter((name) => measured.has(name) || !names.includes(name))).toEqual([]);
});

test('the bench of years gives each function the parameters that it has', () => {
  const given = (call: [string, SqlArguments]): [string, string[]] => [
    call[0],
    [...sqlCall(...call).text.matchAll(/\b(p_\w+) =>/g)].map(([, name = '']) => name),
  ];
  const before = calls.flatMap(([, , , steps = []]) =>
    steps.filter((step): step is Exclude<Before, string> => Array.isArray(step)),
  );
  const all = [...calls.map(([, name, args]) => given([name, args(0)])), ...before.map(given)];
  const wrong = all.filter(([name, parameters]) => {
    const { sql = '' } = functions.get(name) ?? {};
    const [made] = sql === '' ? [] : readFunctions(sql);
    return parameters.toSorted().join(' ') !== made?.parameters.toSorted().join(' ');
  });
  expect(wrong).toEqual([]);
});
