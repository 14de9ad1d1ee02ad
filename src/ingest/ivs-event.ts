import { z } from 'zod';
import { faultOfText, jsonObject, text } from '../http/text.ts';

/**
 * An event of IVS in the envelope of EventBridge (AWS docs). The envelope is not ours, so it may have more fields. Fields of
 * `detail` differ by `detail-type`.
 */
export const ivsEvent = z
  .looseObject({
    id: text(1, 128),
    'detail-type': text(1, 128),
    source: text(1, 256),
    account: z.string().regex(/^\d{12}$/, { error: 'must be the 12 digits of an AWS account' }),
    time: z.iso
      .datetime({ offset: true })
      .refine((value) => !value.startsWith('0000'), { error: 'must be a time of the year 1 or later' }),
    region: z.string().regex(/^[a-z0-9-]{1,32}$/, { error: 'must be a Region such as us-east-1' }),
    resources: z.array(text(1, 2_048)).max(100),
    detail: jsonObject,
  })
  .meta({
    id: 'IvsEvent',
    description: 'An event in the envelope of EventBridge, as it is. Other fields of the envelope are ignored.',
    examples: [
      {
        version: '0',
        id: 'db65fc17-1612-ef68-3aad-c8a7bfd7b881',
        'detail-type': 'IVS Stage Update',
        source: 'aws.ivs',
        account: '123456789012',
        time: '2026-04-23T06:36:53Z',
        region: 'us-east-1',
        resources: ['arn:aws:ivs:us-east-1:123456789012:stage/AbCdEfGhIjKl'],
        detail: {
          session_id: 'st-AbCdEfGhIjKl',
          event_name: 'Participant Published',
          event_time: '2026-04-23T06:36:53Z',
          user_id: 'user-42',
          participant_id: 'AbCdEfGh1234',
        },
      },
    ],
  });
export type IvsEvent = z.output<typeof ivsEvent>;

/** What an event is about: a stage or a room, by ARN. */
export interface Subject {
  kind: 'stage' | 'room';
  arn: string;
}

/** Services that send events of IVS Real-Time and of IVS Chat. No event of IVS Chat is documented. */
const kindOfSource = new Map<string, Subject['kind']>([
  ['aws.ivs', 'stage'],
  ['aws.ivschat', 'room'],
]);

/**
 * What an event is about, or why the event is none of ours: it is from another service, it is about something else, or its
 * account or Region are not those of what it is about. An event about a composition names its stage in `detail`.
 */
export function subjectOf(event: IvsEvent): Subject | 'source' | 'resource' | 'account' {
  const kind = kindOfSource.get(event.source);
  if (kind === undefined) return 'source';
  const arn = [...event.resources, fieldOf(event, 'stage_arn')].find((one) => arnOf(one)?.kind === kind);
  const parts = arnOf(arn ?? '');
  if (arn === undefined || parts === undefined) return 'resource';
  return parts.region === event.region && parts.account === event.account ? { kind, arn } : 'account';
}

/** A text of `detail` that can be stored; empty if it is missing or is something else. */
export function fieldOf({ detail }: IvsEvent, name: string): string {
  const value = detail[name];
  return typeof value === 'string' && value.length <= 256 && faultOfText(value) === undefined ? value : '';
}

/** The time of what happened, by the clock of IVS: `event_time` of a newer event, else the time of the envelope. */
export function timeOf(event: IvsEvent): Date {
  const own = z.iso.datetime({ offset: true }).safeParse(event.detail['event_time']);
  return new Date(own.success && !own.data.startsWith('0000') ? own.data : event.time);
}

function arnOf(text: string): { kind: string; region: string; account: string } | undefined {
  const found = /^arn:aws[a-z-]*:ivs(?:chat)?:([a-z0-9-]+):(\d{12}):(stage|room)\/[\w-]+$/.exec(text);
  return found ? { region: found[1] ?? '', account: found[2] ?? '', kind: found[3] ?? '' } : undefined;
}
