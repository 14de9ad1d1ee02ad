import fc from 'fast-check';
import { fieldOf, type IvsEvent, ivsEvent, subjectOf, timeOf } from './ivs-event.ts';

const stage = 'arn:aws:ivs:us-east-1:123456789012:stage/AbCdEfGhIjKl';
const { examples } = ivsEvent.meta() as { examples: [IvsEvent] };
const [event] = examples;
const withDetail = (detail: Record<string, unknown>): IvsEvent => ({ ...event, detail });

describe('what an event is about', () => {
  test.each<[string, Partial<IvsEvent>, ReturnType<typeof subjectOf>]>([
    ['a stage', {}, { kind: 'stage', arn: stage }],
    [
      'the stage of a composition',
      { resources: ['arn:aws:ivs:us-east-1:123456789012:composition/AbC'], detail: { stage_arn: stage } },
      { kind: 'stage', arn: stage },
    ],
    [
      'a room',
      { source: 'aws.ivschat', resources: ['arn:aws:ivschat:us-east-1:123456789012:room/AbC'] },
      { kind: 'room', arn: 'arn:aws:ivschat:us-east-1:123456789012:room/AbC' },
    ],
    ['another service', { source: 'aws.ec2' }, 'source'],
    ['a service with a name like it', { source: 'aws.ivs.example' }, 'source'],
    ['an application that calls itself so', { source: 'constructor' }, 'source'],
    ['nothing', { resources: [] }, 'resource'],
    ['a room by the service of stages', { resources: ['arn:aws:ivschat:us-east-1:123456789012:room/AbC'] }, 'resource'],
    ['something with the ARN of a stage in it', { resources: [`x${stage}`, `${stage}/more`] }, 'resource'],
    ['a stage of another account', { account: '210987654321' }, 'account'],
    ['a stage of another Region', { region: 'us-west-2' }, 'account'],
  ])('%s', (_, changed, subject) => {
    expect(subjectOf({ ...event, ...changed })).toEqual(subject);
  });
});

test.each<[unknown, string]>([
  ['ann', 'ann'],
  [undefined, ''],
  [null, ''],
  [5, ''],
  [['ann'], ''],
  ['a'.repeat(257), ''],
  ['\0', ''],
  ['\ud800', ''],
])('a field that is %j is read as %j', (value, read) => {
  expect(fieldOf(withDetail({ user_id: value }), 'user_id')).toBe(read);
});

test.each<[unknown, string]>([
  ['2026-04-23T06:36:50Z', '2026-04-23T06:36:50.000Z'],
  [undefined, '2026-04-23T06:36:53.000Z'],
  ['yesterday', '2026-04-23T06:36:53.000Z'],
  ['0000-01-01T00:00:00Z', '2026-04-23T06:36:53.000Z'],
  [1_700_000_000, '2026-04-23T06:36:53.000Z'],
])('with the event_time %j it happened at %s', (value, time) => {
  expect(timeOf(withDetail({ event_time: value })).toISOString()).toBe(time);
});

test('whatever comes, it is refused with the field to change, or it is about one thing and has a time', () => {
  const odd = fc.oneof(
    fc.anything(),
    fc.string({ unit: 'binary' }),
    fc.date({ noInvalidDate: false }).map(String),
    fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,30})?(Z|[+-]\d\d:\d\d)$/),
    fc.stringMatching(/^arn:aws:ivs(chat)?:[a-z0-9-]{1,9}:\d{12}:(stage|room)\/\w{1,9}$/),
  );
  const envelope = fc.dictionary(fc.constantFrom(...Object.keys(event), '__proto__', 'constructor'), odd);
  const detail = fc.dictionary(fc.constantFrom(...Object.keys(event.detail), 'stage_arn', 'toString'), odd);
  const asSent = (value: unknown) =>
    JSON.parse(
      JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one)) ?? 'null',
    ) as unknown;
  const property = fc.property(envelope, detail, fc.boolean(), (changed, inside, isWhole) => {
    const sent = asSent({ ...event, detail: { ...event.detail, ...inside }, ...(isWhole && changed) });
    const { success, data, error } = ivsEvent.safeParse(sent);
    if (!success) {
      expect(error.issues.length).toBeGreaterThan(0);
      for (const { path } of error.issues) expect(Object.keys(event)).toContain(path[0]);
      return;
    }
    const subject = subjectOf(data);
    expect(typeof subject === 'string' || subject.arn.startsWith('arn:')).toBe(true);
    for (const name of Object.keys(inside)) expect(typeof fieldOf(data, name)).toBe('string');
    expect(timeOf(data).getTime()).not.toBeNaN();
  });
  fc.assert(property, { numRuns: 500, seed: 43 });
});
