import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { connect, type Connection } from '../connection.ts';
import { CheckFailed } from '../errors.ts';
import { StopSignal } from '../interrupt.ts';
import { type Common, group, leaf } from '../leaf.ts';
import { show } from '../output.ts';
import { type Explanation, faultsOf } from '../policy/compare.ts';
import { type PolicyCase, readPolicy } from '../policy/file.ts';
import { type CaseResult, type PolicyResult, resultForJunit, resultForPeople } from '../policy/report.ts';
import { createSigner, type Signer } from '../policy/signer.ts';
import { Progress } from '../terminal.ts';

/** `stagedoor policy test`: whether a deployment lets in whom it should. */
export function addPolicy(program: Command): void {
  const policy = group(program, 'policy', 'Tests of who may enter');
  leaf(policy, 'test <file>', {
    summary: 'Check that users get what they must, and nothing that they must not',
    more: [
      'The file is a table in YAML: claims, a user or a token, and what must or mustNot be. Each case asks the service to explain',
      'the join; nobody gets a token. Cases with claims need the scope issuers:write: an issuer with the rules of the real one is',
      'registered for the time of the test. The exit code is 1 if a case fails. The page /docs/cli of the service has an example.',
    ].join(' '),
    examples: ['stagedoor policy test policy.yaml', 'stagedoor policy test policy.yaml --junit results.xml'],
  })
    .option('--junit <file>', 'write the results as XML of JUnit, too')
    .action(async (file: string, options: Common & { junit?: string }) => {
      const result = await runPolicy(connect(options), file);
      if (options.junit !== undefined) writeFileSync(options.junit, resultForJunit(path.basename(file), result));
      show(options, result, () => resultForPeople(result));
      if (result.failed > 0) throw new CheckFailed(`${result.failed} of ${result.cases.length} cases failed.`);
    });
}

async function runPolicy({ api }: Connection, file: string): Promise<PolicyResult> {
  const { issuer, cases } = await readPolicy(file);
  const stop = new StopSignal();
  const progress = new Progress();
  let signer: Signer | undefined;
  const results: CaseResult[] = [];
  try {
    if (cases.some(({ claims }) => claims !== undefined)) signer = await createSigner(api, issuer);
    for (const [at, one] of cases.entries()) {
      stop.check();
      progress.update(`${at} of ${cases.length} cases …`);
      const began = performance.now();
      const found = await explain(api, one, signer);
      const faults = faultsOf(found, one.must, one.mustNot);
      const { decision, role } = found;
      const seconds = (performance.now() - began) / 1_000;
      const because = faults.length > 0 ? whyNot(found) : undefined;
      results.push({
        name: one.name,
        passed: faults.length === 0,
        faults,
        seconds,
        decision,
        ...(role && { role }),
        ...(because !== undefined && { because }),
      });
    }
  } finally {
    progress.end();
    await signer?.end();
    stop.end();
  }
  const failed = results.filter(({ passed }) => !passed).length;
  return { passed: results.length - failed, failed, cases: results };
}

async function explain(api: Connection['api'], one: PolicyCase, signer: Signer | undefined): Promise<Explanation> {
  const { space, claims, user, role, token } = one;
  const jwt = claims && signer ? await signer.sign(claims) : token;
  return await api.POST('/v1/spaces/{spaceId}/join/explain', {
    params: { path: { spaceId: space } },
    body: { ...(jwt === undefined ? { userId: user ?? '' } : { token: jwt }), ...(role !== undefined && { role }) },
  });
}

/** What the check that refused has found; if none did, the check of the role. */
function whyNot({ steps }: Explanation): string | undefined {
  return (steps.find(({ outcome }) => outcome === 'refused') ?? steps.find(({ check }) => check === 'role'))?.because;
}
