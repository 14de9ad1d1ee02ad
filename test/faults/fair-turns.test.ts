import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Stagedoor } from '../support/stagedoor.ts';

let stagedoor: Stagedoor;
let flooding: NodeJS.Timeout | undefined;

beforeAll(async () => {
  // A rate that a slow machine exceeds, too.
  const quotas = { quotas: 'on' as const, rates: { CreateParticipantToken: 20 } };
  stagedoor = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '10000' }, quotas);
});

afterAll(async () => {
  clearInterval(flooding);
  await stagedoor.stop();
});

/** A new tenant of the one AWS account, and how it gets a stage token. */
async function newTenant(): Promise<() => Promise<Answer>> {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  return () => stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, { userId: 'u' });
}

function shareVended(answers: Answer[]): number {
  return answers.filter(({ status }) => status === 201).length / answers.length;
}

it('a tenant gets its stage tokens while another floods the AWS account that both share', async () => {
  const floodVend = await newTenant();
  const vend = await newTenant();
  const flood: Promise<Answer>[] = [];
  let underWay = 0;
  flooding = setInterval(() => {
    for (let i = 0; i < 3 && underWay < 60; i++) {
      underWay++;
      flood.push(floodVend().finally(() => underWay--));
    }
  }, 40);
  const answers: Answer[] = [];
  const began = performance.now();
  while (answers.length < 20 || performance.now() - began < 8_000) {
    answers.push(await vend());
    await sleep(150); // five a second, or as many as the machine can
  }
  clearInterval(flooding);
  const floodAnswers = await Promise.all(flood);
  const refused = floodAnswers.filter(({ status }) => status !== 201);

  const share = shareVended(answers.slice(5)); // the first ones are there when IVS's rate is found out
  expect(share).toBeGreaterThan(0.8);
  expect(shareVended(floodAnswers)).toBeLessThan(share);
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
  for (const { headers } of refused) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  // Most of what was too much was not sent to IVS.
  const metrics = (await stagedoor.get('/metrics')).text;
  const [throttled = Infinity, notSent] = [
    /stagedoor_ivs_call_duration_seconds_count\{operation="CreateParticipantToken",result="throttled"\} (\d+)/,
    /stagedoor_ivs_turn_wait_seconds_count\{operation="CreateParticipantToken",outcome="refused"\} (\d+)/,
  ].map((line) => Number(line.exec(metrics)?.[1]));
  expect(notSent).toBeGreaterThan(throttled);
});
