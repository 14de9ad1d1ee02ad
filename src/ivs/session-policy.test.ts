import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { mostPolicyCharacters, sessionPolicy } from './session-policy.ts';

it('allows each call that the service makes to IVS, and no other, in a policy of a length that STS takes', () => {
  const text = sessionPolicy('ten_01h455vb4pex5vsknk084sn02q', 'ap-northeast-2');
  expect(text.length).toBeLessThan(mostPolicyCharacters);
  const { Statement } = JSON.parse(text) as { Statement: { Action: string[] }[] };
  const sources = globSync('*.ts', { cwd: import.meta.dirname }).map((file) =>
    readFileSync(path.join(import.meta.dirname, file), 'utf8'),
  );
  const services = { 'client-ivs-realtime': 'ivs', 'client-ivschat': 'ivschat' };
  const called = sources.flatMap((source) =>
    Object.entries(services).flatMap(([client, service]) =>
      [...source.matchAll(new RegExp(`import \\{([^}]+)\\} from '@aws-sdk/${client}'`, 'g'))].flatMap(
        ([, names = '']) => [...names.matchAll(/(\w+)Command\b/g)].map(([, name]) => `${service}:${name}`),
      ),
    ),
  );
  expect(called.length).toBeGreaterThan(15);
  const tagging = ['ivs:TagResource', 'ivschat:TagResource'];
  const allowed = Statement.flatMap(({ Action }) => Action);
  expect(allowed.toSorted()).toEqual([...new Set([...called, ...tagging])].sort());
});
