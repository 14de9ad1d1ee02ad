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
