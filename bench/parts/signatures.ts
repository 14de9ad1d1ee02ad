/** What a signature costs, in each way that this machine has. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { opensslVariables } from '../support/openssl.ts';
import { heading, line, median, note, perSecond } from '../support/report.ts';
import { rounds } from '../support/settings.ts';
import type { SigningCosts } from '../support/signing-costs.ts';

const program = path.resolve(import.meta.dirname, '../support/signing-costs.ts');

interface Way {
  name: string;
  env: Record<string, string>;
  runs: SigningCosts[];
}

export function signatures(): Promise<void> {
  heading('Signatures, in a second of processor time');
  const named = opensslVariables();
  const ways: Way[] = [{ name: "Node's own OpenSSL", env: {}, runs: [] }];
  if (Object.keys(named).length > 0) ways.push({ name: 'with OPENSSL_CONF', env: named, runs: [] });
  else note('Set OPENSSL_CONF and OPENSSL_MODULES to measure another one too: docs/operations.md, "Signatures".');
  for (let round = 0; round < rounds; round++) for (const way of ways) way.runs.push(run(way.env));
  for (const { name, runs } of ways) {
    const rate = (figure: keyof SigningCosts) => perSecond(median(runs.map((one) => one[figure])));
    line(
      `P-384 on the thread pool, ${name}`,
      rate('signed'),
      `${rate('signedAlone')} alone; P-256 verified: ${rate('verified')}`,
    );
  }
  return Promise.resolve();
}

/** A process of its own, because Node reads the variables when it starts. */
function run(env: Record<string, string>): SigningCosts {
  const { PATH } = process.env;
  const output = execFileSync(process.execPath, [program, '0.5'], { env: { PATH, ...env }, encoding: 'utf8' });
  return JSON.parse(output) as SigningCosts;
}
