import { setTimeout as sleep } from 'node:timers/promises';
import { type components, StagedoorProblem } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { connect, type Connection } from '../connection.ts';
import { type CommonOfList, leaf, listed } from '../leaf.ts';
import { time } from '../options.ts';
import { showList } from '../output.ts';
import { print, printable, styled, tell } from '../terminal.ts';

type Event = components['schemas']['Event'];

interface EventsOptions extends CommonOfList {
  type?: string;
  space?: string;
  user?: string;
  after?: string;
  since?: string;
  follow?: true;
}

/** Time until a service that cannot be reached is asked again, in milliseconds. */
const againMs = 1_000;

/** `stagedoor events`: what happens. */
export function addEvents(program: Command): void {
  listed(
    leaf(program, 'events', {
      summary: 'List what happened, the oldest first, or follow it',
      more: [
        'With --follow it goes on for ever, from now on or from --after or --since. A cut connection costs no event: it goes on',
        'after the last one. With --json it prints a line of JSON for each event. --limit ends it after so many.',
      ].join(' '),
      examples: [
        'stagedoor events --since 1h --type ban.created,ban.lifted',
        'stagedoor events --follow --since 1h --limit 1 --json',
      ],
    }),
  )
    .option(
      '--type <types>',
      'only of these types, with commas between; the page /docs/events of the service lists them',
    )
    .option('--space <space>', 'only about this space')
    .option('--user <user>', 'only about this user')
    .option('--after <event>', 'only behind the event with this id')
    .option('--since <time>', 'only from this time on, or how long ago, such as 1h', time)
    .option('-f, --follow', 'wait for further events')
    .action(async (options: EventsOptions) => {
      const connection = connect(options);
      if (options.follow) return await follow(connection, options);
      await showList(options, connection.api.list('/v1/events', { query: queryOf(options) }), [
        ['id', ({ id }) => id],
        ['at', ({ at }) => at],
        ['type', ({ type }) => type],
        ['space', ({ spaceId }) => spaceId],
        ['user', ({ userId }) => userId],
      ]);
    });
}

async function follow({ url, api }: Connection, options: EventsOptions): Promise<void> {
  let query = queryOf(options);
  if (options.after === undefined && options.since === undefined) query = { ...query, since: await timeOfService(url) };
  let left = options.limit ?? Infinity;
  let isCut = false;
  for (;;) {
    try {
      for await (const event of api.events(query)) {
        if (isCut) tell('The service answers again.');
        isCut = false;
        printEvent(event, options);
        const { since: _, ...rest } = query;
        query = { ...rest, after: event.id };
        if (--left === 0) return;
      }
    } catch (error) {
      if (!(error instanceof StagedoorProblem) || !mayPass(error)) throw error;
      if (!isCut) tell(`No answer (${error.code}). Going on as soon as there is one …`);
      isCut = true;
      await sleep(againMs);
    }
  }
}

function queryOf({ type, space, user, after, since }: EventsOptions) {
  return {
    ...(type !== undefined && { type }),
    ...(space !== undefined && { spaceId: space }),
    ...(user !== undefined && { userId: user }),
    ...(after !== undefined && { after }),
    ...(since !== undefined && { since }),
  };
}

function mayPass({ code, status }: StagedoorProblem): boolean {
  return code === 'network' || code === 'unexpected_answer' || status === 429 || status >= 500;
}

/** The time of the service, which counts for its events; of this machine, if it cannot be asked. */
async function timeOfService(url: string): Promise<string> {
  const date = await fetch(`${url}/health/live`).then(
    (response) => response.headers.get('date'),
    () => null,
  );
  return new Date(date ?? Date.now()).toISOString();
}

function printEvent(event: Event, { json, field }: EventsOptions): void {
  if (json) return print(JSON.stringify(event));
  if (field !== undefined) {
    const value = (event as unknown as Record<string, unknown>)[field];
    return print(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  }
  const { at, type, spaceId, userId, data } = event;
  const about = [userId && `user=${userId}`, spaceId && `space=${spaceId}`].filter(Boolean).join(' ');
  print(`${at}  ${styled('bold', type)}  ${printable(`${about} ${JSON.stringify(data)}`)}`);
}
