import type { Command } from 'commander';
import { connectWith, readUrl, settingsOf, usualPatience } from '../connection.ts';
import { type Check, type Outcome, Probe } from '../doctor/check.ts';
import { checkApiKey, checkOperator, checkTenant } from '../doctor/credentials.ts';
import { checkDeployment, checkPermissions } from '../doctor/deployment.ts';
import { checkIvs } from '../doctor/ivs.ts';
import { checkService } from '../doctor/service.ts';
import { CheckFailed } from '../errors.ts';
import { type Common, leaf } from '../leaf.ts';
import { show } from '../output.ts';
import { keepSecret } from '../redact.ts';
import { printable, Progress, styled } from '../terminal.ts';
import { tenantId } from './tenants.ts';

/** What no caller of the API can see. */
const notChecked = 'Not checked: backups, and whether events of IVS arrive.';

interface Options extends Common {
  withSpace?: true;
  tenant?: string;
}

/** `stagedoor doctor`: what is wrong with a deployment. */
export function addDoctor(program: Command): void {
  leaf(program, 'doctor', {
    summary: 'Look for what is wrong with a service, a credential or a tenant',
    more: [
      'It changes nothing. With the operator token it checks the settings of the service, its database, and each permission at IVS,',
      'by calls about things that are not there; --tenant does that in the AWS account of a tenant. With an API key it checks what',
      'the key may do, by requests that the service refuses for their body, and what goes wrong in its tenant. With --with-space it',
      'makes a space, does in it what vending and moderation do, and deletes it. The exit code is 1 if something has failed. A question',
      'mark says that it cannot be told from here.',
    ].join(' '),
    examples: ['stagedoor doctor', 'stagedoor doctor --with-space --json', 'stagedoor doctor --tenant $TENANT'],
  })
    .option('--with-space', 'try the calls to Amazon IVS in a space that is deleted again')
    .option(
      '--tenant <tenant>',
      'check the permissions in the AWS account of this tenant, by its id or slug (operator)',
    )
    .action(async (options: Options) => {
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

async function diagnose(options: Options): Promise<Check[]> {
  const { url: text, apiKey, operatorToken, from } = settingsOf(options);
  for (const secret of [apiKey, operatorToken]) if (secret !== undefined) keepSecret(secret);
  const url = readUrl(text);
  const { patience = usualPatience } = options;
  const checks = await checkService(new Probe(url, patience));
  if (checks.some(({ check, outcome }) => check === 'answers' && outcome === 'failed')) return checks;
  checks.push(...(await checkAsOperator(url, patience, operatorToken, options)));
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
  if (options.withSpace) checks.push(...(await checkIvs(connectWith(url, 'apiKey', apiKey, options).api)));
  return checks;
}

/** What the operator can see: the settings, the database, and the permissions at IVS. */
async function checkAsOperator(
  url: string,
  patience: number,
  token: string | undefined,
  options: Options,
): Promise<Check[]> {
  if (token === undefined) {
    const found = 'Only the operator sees it: set STAGEDOOR_OPERATOR_TOKEN.';
    const names = ['settings', 'database role'];
    const unknown = names.map((check): Check => ({ check, outcome: 'unknown', found }));
    const orWithSpace = `${found} Or add --with-space: it makes a space, tries most of them there, and deletes it.`;
    return options.withSpace
      ? unknown
      : [...unknown, { check: 'IVS permissions', outcome: 'unknown', found: orWithSpace }];
  }
  const probe = new Probe(url, patience, token);
  const accepted = await checkOperator(probe);
  if (accepted.outcome !== 'ok') return [accepted];
  const { tenant } = options;
  const { api } = connectWith(url, 'operator', token, options);
  const id = tenant === undefined ? undefined : await tenantId(api, tenant);
  return [accepted, ...(await checkDeployment(probe)), ...(await checkPermissions(probe, id))];
}

const signs: Record<Outcome, string> = { ok: '✓', warning: '!', failed: '✗', unknown: '?' };
const colours = { ok: 'green', warning: 'yellow', failed: 'red', unknown: 'dim' } as const;

function checksForPeople(checks: Check[]): string {
  const width = Math.max(...checks.map(({ check }) => check.length));
  const lines = checks.map(
    ({ check, outcome, found, remedy }) =>
      `${styled(colours[outcome], signs[outcome])} ${check.padEnd(width)}  ${printable(remedy ? `${found} ${remedy}` : found)}`,
  );
  return [...lines, '', notChecked].join('\n');
}
