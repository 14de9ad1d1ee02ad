import type { Command } from 'commander';
import { connectWith, readUrl, settingsOf, usualPatience } from '../connection.ts';
import { type Check, type Outcome, Probe } from '../doctor/check.ts';
import { checkApiKey, checkOperator, checkTenant } from '../doctor/credentials.ts';
import { checkIvs } from '../doctor/ivs.ts';
import { checkService } from '../doctor/service.ts';
import { CheckFailed } from '../errors.ts';
import { type Common, leaf } from '../leaf.ts';
import { show } from '../output.ts';
import { keepSecret } from '../redact.ts';
import { printable, Progress, styled } from '../terminal.ts';

/** What nobody can see from outside of the service. */
const notChecked =
  'Not checked, because no caller of the API can see it: the settings of the service, its backups, and whether events of IVS arrive.';

/** `stagedoor doctor`: what is wrong with a deployment. */
export function addDoctor(program: Command): void {
  leaf(program, 'doctor', {
    summary: 'Look for what is wrong with a service, a credential or a tenant',
    more: [
      'It looks from outside, and changes nothing. For the scopes of a key it sends requests that the service refuses for their',
      'body. With --with-space it makes a space, does in it what vending and moderation do, and deletes it: so each permission',
      'at IVS is tried. The exit code is 1 if something has failed. A question mark says that it cannot be told from here.',
    ].join(' '),
    examples: ['stagedoor doctor', 'stagedoor doctor --with-space --json'],
  })
    .option('--with-space', 'try the calls to Amazon IVS in a space that is deleted again')
    .action(async (options: Common & { withSpace?: true }) => {
      const progress = new Progress();
      progress.update('Looking …');
      let checks: Check[];
      try {
        checks = await diagnose(options);
      } finally {
        progress.end();
      }
      show(options, { checks, notChecked }, () => checksForPeople(checks));
      const failed = checks.filter(({ outcome }) => outcome === 'failed').length;
      if (failed > 0) throw new CheckFailed(failed === 1 ? 'One check has failed.' : `${failed} checks have failed.`);
    });
}

async function diagnose(options: Common & { withSpace?: true }): Promise<Check[]> {
  const { url: text, apiKey, operatorToken, from } = settingsOf(options);
  for (const secret of [apiKey, operatorToken]) if (secret !== undefined) keepSecret(secret);
  const url = readUrl(text);
  const { patience = usualPatience } = options;
  const checks = await checkService(new Probe(url, patience));
  if (checks.some(({ check, outcome }) => check === 'answers' && outcome === 'failed')) return checks;
  if (operatorToken !== undefined) checks.push(await checkOperator(new Probe(url, patience, operatorToken)));
  if (apiKey === undefined) {
    return [
      ...checks,
      { check: 'API key', outcome: 'unknown', found: `There is none in ${from}, so no tenant was looked at.` },
    ];
  }
  const probe = new Probe(url, patience, apiKey);
  const { checks: ofKey, scopes } = await checkApiKey(probe);
  checks.push(...ofKey);
  if (ofKey.some(({ outcome }) => outcome === 'failed')) return checks;
  checks.push(...(await checkTenant(probe, scopes)));
  if (options.withSpace) return [...checks, ...(await checkIvs(connectWith(url, 'apiKey', apiKey, options).api))];
  const found = 'Add --with-space to try them: it makes a space and deletes it.';
  return [...checks, { check: 'IVS permissions', outcome: 'unknown', found }];
}

const signs: Record<Outcome, string> = { ok: '✓', warning: '!', failed: '✗', unknown: '?' };
const colours = { ok: 'green', warning: 'yellow', failed: 'red', unknown: 'dim' } as const;

function checksForPeople(checks: Check[]): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const lines = checks.map(
    ({ check, outcome, found }) =>
      `${styled(colours[outcome], signs[outcome])} ${check.padEnd(width)}  ${printable(found)}`,
  );
  return [...lines, '', notChecked].join('\n');
}
