/** The source of stage tokens, in virtual time: renewal, exchange, and a stage that has to be joined anew. */
import type { StageToken } from '../src/index.ts';
import { type Asked, joined, playService, PlayedBrowser, problem, spaceId } from './support.ts';

let browser: PlayedBrowser;

beforeEach(() => {
  jest.useFakeTimers();
  browser = new PlayedBrowser();
});
afterEach(() => {
  browser.restore();
  jest.useRealTimers();
});

const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

/** Answers with tokens of the participant who is asked for, as a service does that signs tokens itself. */
async function signing(asked: Asked, role = 'viewer'): Promise<Response> {
  const answer = (await joined(asked, { role }).json()) as { stage: StageToken };
  const { participantId = answer.stage.participantId } = asked.body;
  return Response.json({ ...answer, stage: { ...answer.stage, participantId, mint: 'key-pair' } }, { status: 201 });
}

/** A stage that notes the tokens which it gets. */
function stageOf(): { exchanged: string[]; exchangeToken: (token: string) => Promise<void> } {
  const exchanged: string[] = [];
  return {
    exchanged,
    async exchangeToken(token) {
      exchanged.push(token);
    },
  };
}

const changed = (role?: string, userId = 'ada') => ({
  eventName: 'stagedoor:role_changed',
  attributes: { userId, ...(role !== undefined && { role }) },
});

it('gives the same token until it expires soon', async () => {
  const { stagedoor, asked } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  const first = await source.token();
  expect(await source.token()).toBe(first);
  expect(source.current?.token).toBe(first);
  await pass(3_590_000);
  expect(await source.token()).not.toBe(first);
  expect(asked).toHaveLength(2);
});

it('renews the token of an attached stage before it expires, and exchanges it', async () => {
  const { stagedoor, asked } = playService(signing);
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  const { participantId } = source.current!;
  const stage = stageOf();
  const leave = source.attach(stage);
  await pass(3_000_000);
  expect(asked).toHaveLength(1);
  await pass(600_000);
  expect(asked).toHaveLength(2);
  expect(asked.map(({ body }) => body.participantId)).toEqual([undefined, participantId]);
  expect(stage.exchanged).toEqual([source.current?.token]);
  leave();
  await pass(10 * 3_600_000);
  expect(asked).toHaveLength(2);
});

it('a token for another participant replaces none: it is for the next joining', async () => {
  const { stagedoor } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  const first = await source.token();
  const stage = stageOf();
  const replaced: StageToken[] = [];
  source.onReplaced((token) => replaced.push(token));
  source.attach(stage);
  await pass(3_600_000);
  expect(await source.token()).not.toBe(first);
  expect([stage.exchanged, replaced]).toEqual([[], []]);
});

it('renews at once after the computer has slept over the time', async () => {
  const { stagedoor, asked } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  source.attach(stageOf());
  await pass(1_000);
  // Timers stand still in sleep, and the clock goes on.
  jest.setSystemTime(Date.now() + 5 * 3_600_000);
  expect(asked).toHaveLength(1);
  browser.tell('pageshow');
  await pass(0);
  expect(asked).toHaveLength(2);
});

it('notices a sleep by itself within seconds, where no event tells of it', async () => {
  const { stagedoor, asked } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  source.attach(stageOf());
  jest.setSystemTime(Date.now() + 5 * 3_600_000);
  await pass(15_000);
  expect(asked).toHaveLength(2);
});

it('a clock that is set back does not keep a token for longer, and one that jumps costs one request', async () => {
  const { stagedoor, asked } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  source.attach(stageOf());
  await pass(1_000);
  jest.setSystemTime(Date.now() - 24 * 3_600_000);
  await pass(3_600_000);
  expect(asked).toHaveLength(2);
});

it('exchanges the token when the chat room tells of another role of the user', async () => {
  const { stagedoor, asked, answers } = playService(signing);
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  const stage = stageOf();
  source.attach(stage);
  source.handleChatEvent(changed('speaker', 'somebody else'));
  source.handleChatEvent({ eventName: 'app:quiz' });
  await pass(0);
  expect(asked).toHaveLength(1);

  answers((request) => signing(request, 'speaker'));
  source.handleChatEvent(changed('speaker'));
  expect(stagedoor.space(spaceId).getSnapshot().role).toBe('speaker');
  await pass(0);
  expect(asked).toHaveLength(2);
  expect(stage.exchanged).toEqual([source.current?.token]);
});

it('tells that the stage has to be joined anew when the token cannot be exchanged', async () => {
  const { stagedoor, answers } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  const replaced: StageToken[] = [];
  source.onReplaced((token) => replaced.push(token));
  const stage = stageOf();
  source.attach(stage);
  source.handleChatEvent(changed('speaker'));
  await pass(0);
  expect(replaced).toEqual([source.current]);
  expect(stage.exchanged).toEqual([]);

  // IVS refuses the exchange: the stage was left.
  answers(signing);
  source.handleChatEvent(changed('host'));
  await pass(0);
  source.attach({ exchangeToken: () => Promise.reject(new Error('refused')) });
  source.handleChatEvent(changed('viewer'));
  await pass(0);
  expect(replaced).toHaveLength(3);
  expect(replaced[2]).toEqual(source.current);
});

it('tells of a role that is gone, and asks no more', async () => {
  const { stagedoor, asked, answers } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  source.attach(stageOf());
  answers(() => problem(403, 'forbidden'));
  source.handleChatEvent(changed());
  await pass(24 * 3_600_000);
  expect(stagedoor.space(spaceId).getSnapshot()).toMatchObject({ status: 'refused', refusal: { type: 'forbidden' } });
  expect(asked.length).toBe(2);
});

it('a change of role while nobody is on the stage costs nothing until somebody asks', async () => {
  const { stagedoor, asked } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  const first = await source.token();
  source.handleChatEvent(changed('speaker'));
  await pass(0);
  expect(asked).toHaveLength(1);
  expect(await source.token()).not.toBe(first);
});

it('asks why the participant was disconnected, and tells of a ban', async () => {
  const { stagedoor, asked, answers } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  const listeners = new Map<string, (reason: string) => void>();
  const stage = {
    on: (event: string, listener: (reason: string) => void) => listeners.set(event, listener),
    off: (event: string) => listeners.delete(event),
  };
  const leave = source.attach(stage);
  listeners.get('stageLeft')?.('user-initiated');
  await pass(0);
  expect(asked).toHaveLength(1);
  answers(() => problem(403, 'banned'));
  listeners.get('stageLeft')?.('participant-disconnected');
  await pass(0);
  expect(stagedoor.space(spaceId).getSnapshot().refusal?.type).toBe('banned');
  leave();
  expect(listeners.size).toBe(0);

  // After the ban nobody joins with the token of the disconnected participant.
  answers(joined);
  stagedoor.space(spaceId).retry();
  await source.token();
  expect(asked).toHaveLength(3);
});

it('names its participant when it asks by itself, and does not take the place of a newer token of the user', async () => {
  const { stagedoor, asked, answers } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  const { participantId } = source.current!;
  const listeners = new Map<string, (reason: string) => void>();
  source.attach({
    on: (event: string, listener: (reason: string) => void) => listeners.set(event, listener),
    off: (event: string) => listeners.delete(event),
  });
  answers(() => problem(409, 'conflict'));
  listeners.get('stageLeft')?.('participant-disconnected');
  await pass(0);
  await pass(6_000); // the same failure is held for a moment
  await expect(source.token()).rejects.toMatchObject({ code: 'conflict' });
  expect(asked.map(({ body }) => body.participantId)).toEqual([undefined, participantId, participantId]);
  expect(stagedoor.space(spaceId).getSnapshot().refusal).toBeNull();

  // A person wants to come back here.
  answers(joined);
  await pass(6_000);
  stagedoor.space(spaceId).retry();
  await source.token();
  expect(asked.at(-1)?.body.participantId).toBeUndefined();
});

it('asks for no further renewal of a token that the service does not renew', async () => {
  const { stagedoor, asked, answers } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  source.attach(stageOf());
  answers(() => problem(409, 'conflict'));
  await pass(24 * 3_600_000);
  expect(asked).toHaveLength(2);
});

it('says how much time is left', async () => {
  const { stagedoor } = playService();
  expect(stagedoor.space(spaceId).timeLeft()).toEqual({ stage: null, chat: null });
  await stagedoor.join(spaceId);
  await pass(600_000);
  expect(stagedoor.space(spaceId).timeLeft()).toEqual({ stage: 3_000_000, chat: 3_000_000 });
  await pass(3_600_000);
  expect(stagedoor.space(spaceId).timeLeft()).toEqual({ stage: 0, chat: 0 });
});

it('asks nothing any more after close()', async () => {
  const { stagedoor, asked } = playService();
  const source = stagedoor.stageTokenSource(spaceId);
  await source.token();
  source.attach(stageOf());
  source.close();
  source.handleChatEvent(changed('speaker'));
  await pass(24 * 3_600_000);
  expect(asked).toHaveLength(1);
  expect(jest.getTimerCount()).toBe(0);
});
