import type { Command } from 'commander';
import { connect, type Connection, connectWith, isLocal } from '../connection.ts';
import { CheckFailed, UsageError } from '../errors.ts';
import { StopSignal } from '../interrupt.ts';
import { type Common, type Confirmable, destroying, leaf } from '../leaf.ts';
import type { Figures, Lengths } from '../loadtest/figures.ts';
import { Storm, type StormPlan } from '../loadtest/storm.ts';
import { decimal, whole } from '../options.ts';
import { facts, show } from '../output.ts';
import { Progress, tell } from '../terminal.ts';

interface LoadtestOptions extends Common, Confirmable {
  users: number;
  rate: number;
  bans: number;
  seconds: number;
  maxErrors: number;
  inFlight: number;
  role?: string;
}

/** `stagedoor loadtest`: how many can join in a second, and how soon the banned are out. */
export function addLoadtest(program: Command): void {
  destroying(
    leaf(program, 'loadtest [space]', {
      summary: 'Let many users join at a rate, and ban some of them',
      more: [
        'Without a space it makes one, and deletes it at the end. Each user is a new one. A banned user asks again, and must be',
        'refused. It ends after --users or --seconds, and when too many answers are errors: no answer, 429 or 5xx. Then it lifts',
        'the bans that it made. It uses up the rates of the AWS account, so a service on another machine needs --yes.',
      ].join(' '),
      examples: [
        'stagedoor loadtest --users 20 --rate 5 --max-errors 1',
        'stagedoor loadtest $SPACE --users 10 --bans 0 --max-errors 1 --json',
      ],
    }),
  )
    .option('--users <number>', 'how many users', whole(1, 1_000_000), 100)
    .option('--rate <number>', 'users in a second', decimal(0.1, 10_000), 10)
    .option('--bans <number>', 'bans in a second', decimal(0, 1_000), 1)
    .option('--role <role>', 'the role that each user gets (default: as the space says)')
    .option('--seconds <number>', 'for how long at most', whole(1, 86_400), 60)
    .option('--max-errors <share>', 'end when more of the answers are errors', decimal(0, 1), 0.05)
    .option('--in-flight <number>', 'how many requests at the same time at most', whole(1, 10_000), 200)
    .action(async (spaceId: string | undefined, options: LoadtestOptions) => {
      const connection = connect(options);
      if (!isLocal(connection.url) && !options.yes)
        throw new UsageError(`${connection.url} is not on this machine. Add --yes if it may be put under load.`);
      const figures = await run(connection, spaceId, options);
      show(options, figures, () => figuresForPeople(figures));
      judge(figures);
    });
}

async function run(connection: Connection, given: string | undefined, options: LoadtestOptions): Promise<Figures> {
  const { api, url, credential } = connection;
  const { users, rate, bans: banRate, seconds, maxErrors: mostErrors, inFlight, role } = options;
  const stop = new StopSignal();
  const progress = new Progress();
  const made =
    given === undefined
      ? await api.POST('/v1/spaces', { body: { name: 'stagedoor loadtest', defaultRole: 'viewer' } })
      : undefined;
  const spaceId = given ?? made?.id ?? '';
  const plan: StormPlan = { spaceId, users, rate, banRate, seconds, mostErrors, inFlight, ...(role && { role }) };
  const impatient = connectWith(url, 'apiKey', credential, { patience: 0 }).api;
  const storm = new Storm(impatient, api, plan, stop.signal);
  const timer = setInterval(() => progress.update(storm.state), 250);
  try {
    return await storm.blow();
  } finally {
    clearInterval(timer);
    progress.end();
    const left = await storm.tidyUp();
    if (left > 0) tell(`stagedoor: ${left} bans could not be lifted. They end by themselves within an hour.`);
    if (made) await api.DELETE('/v1/spaces/{spaceId}', { params: { path: { spaceId } } });
    stop.end();
  }
}

/** @throws CheckFailed if a banned user was let in, or if the test was ended by errors. */
function judge({ endedBy, bans }: Figures): void {
  if (bans.admittedAfterwards > 0)
    throw new CheckFailed(`${bans.admittedAfterwards} users got tokens after their ban.`);
  if (endedBy === 'errors') throw new CheckFailed('Too many answers were errors.');
}

const ends: Record<Figures['endedBy'], string> = {
  users: 'all users have asked',
  seconds: 'the time was over',
  errors: 'too many answers were errors',
  stopped: 'it was stopped',
};

function figuresForPeople({ endedBy, seconds, space, vends, bans }: Figures): string {
  return facts([
    ['ended', `after ${seconds} s: ${ends[endedBy]}`],
    ['space', space],
    ['users who asked', vends.asked],
    ['got tokens', `${vends.given} (${lengthsForPeople(vends.answered)})`],
    ['refused', countsForPeople(vends.refused)],
    ['errors', countsForPeople(vends.errors)],
    ['began late', vends.late],
    ['bans', `${bans.made} (${lengthsForPeople(bans.answered)})`],
    ['errors of bans', countsForPeople(bans.errors)],
    ['time to silence', lengthsForPeople(bans.silent)],
    ['silence not known', bans.notSilent],
    ['refused after the ban', bans.refusedAfterwards],
    ['let in after the ban', bans.admittedAfterwards],
  ]);
}

function lengthsForPeople({ p50Ms, p99Ms, mostMs }: Lengths): string {
  return p50Ms === null ? 'no figure' : `p50 ${p50Ms} ms, p99 ${p99Ms} ms, longest ${mostMs} ms`;
}

function countsForPeople(counts: Record<string, number>): string {
  return (
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || '0'
  );
}
