import type { FastifyRequest } from 'fastify';
import { Settings } from '../config.ts';
import { IngestSecret } from './ingest-secret.ts';

const one = 'ingest-secret-of-the-tests-0123456789';
const next = 'ingest-secret-of-the-tests-9876543210';

function check(setting: string, sent?: string | string[]): string {
  const settings = Settings.from({
    DATABASE_URL: 'postgresql://stagedoor@localhost/stagedoor',
    STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
    STAGEDOOR_MASTER_KEY: Buffer.from('stagedoor master key of the test').toString('base64'),
    AWS_REGION: 'us-east-1',
    IVS_EVENTS_SECRET: setting,
  });
  try {
    new IngestSecret(settings).check({ headers: { 'x-stagedoor-ingest-secret': sent } } as unknown as FastifyRequest);
    return 'taken';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test.each<[string, string, string | string[] | undefined, string]>([
  ['the secret', one, one, 'taken'],
  ['the first of two secrets', `${one},${next}`, one, 'taken'],
  ['the second of two secrets', `${one}, ${next}`, next, 'taken'],
  ['both at once', `${one},${next}`, `${one},${next}`, 'unauthenticated'],
  ['a longer text', one, `${one}0`, 'unauthenticated'],
  ['another text', one, next, 'unauthenticated'],
  ['no secret', one, undefined, 'unauthenticated'],
  ['several secrets', one, [one], 'unauthenticated'],
  ['a secret where the deployment has none', '', one, 'not_found'],
  ['no secret where the deployment has none', '', '', 'not_found'],
])('EventBridge sends %s', (_, setting, sent, outcome) => {
  expect(check(setting, sent)).toBe(outcome);
});
