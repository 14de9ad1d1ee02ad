/** Background work: what it passes over is counted, so that an alert can tell of it, and it leaves time to requests. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { WorkInPasses } from '../src/background.ts';

const root = path.resolve(import.meta.dirname, '..');
const isWork = /extends (?:BackgroundWork|SteppedWork|WorkInPasses)\b/;

/** What need not be counted, by file and by a part of the code, and why. */
const seenElsewhere: [file: string, code: string, why: string][] = [
  ['src/delivery/delivery.ts', 'started.catch(() => 0)', 'whoever has begun it gets the failure'],
  ['src/delivery/delivery.ts', 'return outcomeOf(error', 'the outcome is on record, and the watchdog tells of it'],
  ['src/events/event-numberer.ts', 'this.run().catch', 'the next run of the background fails likewise'],
  ['src/webhooks/webhook-sender.ts', 'this.step().catch', 'the next run of the background fails likewise'],
  ['src/webhooks/webhook-sender.ts', 'this.lastStep.catch', 'a step that ran before has told its caller'],
  ['src/webhooks/webhook-sender.ts', 'this.lastStep\n      .catch', 'a step that ran before has told its caller'],
  ['src/http/idempotency-keys.ts', 'answerWaitMs).catch', 'it belongs to a request, not to the run'],
  ['src/http/idempotency-keys.ts', 'z.array(z.string()).catch', 'it is no failure: a stored answer may have no list'],
  ['src/secrets/kms-watch.ts', 'failure = error', 'the run throws the last one'],
  ['src/health/watchdog.ts', 'failures.push(error)', 'the run throws them'],
];

/** The code of each `catch` of a file, and of each call of `.catch(…)`. */
function catches(file: string, text: string): string[] {
  const found: string[] = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node) => {
    if (ts.isCatchClause(node)) found.push(node.getText());
    if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      node.expression.name.text === 'catch'
    )
      found.push(node.getText());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const files = globSync('src/**/*.ts', { cwd: root })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file !== 'src/background.ts' && isWork.test(readFileSync(path.join(root, file), 'utf8')));

test('each failure in background work is thrown on, counted, or seen elsewhere', () => {
  expect(files.length).toBeGreaterThan(25);
  const found = files.flatMap((file) =>
    catches(file, readFileSync(path.join(root, file), 'utf8')).map((code) => ({ file, code })),
  );
  expect(found.length).toBeGreaterThan(15);
  const isSeen = ({ file, code }: { file: string; code: string }) =>
    /\bthrow\b|\.partFailed\(|\.countFailure\(/.test(code) ||
    seenElsewhere.some(([known, part]) => known === file && code.includes(part));
  const unseen = found.filter((one) => !isSeen(one)).map(({ file, code }) => `${file}: ${code}`);
  expect(unseen).toEqual([]);
  const needless = seenElsewhere.filter(
    ([known, part]) => !found.some(({ file, code }) => file === known && code.includes(part)),
  );
  expect(needless).toEqual([]);
});

test('work in passes rests for longer than a step takes, and between passes until the next is due', async () => {
  jest.useFakeTimers({ now: 0 });
  let steps = 0;
  class Passes extends WorkInPasses {
    protected readonly passMs = 60_000;
    protected async *pass(): AsyncGenerator<void> {
      for (let n = 0; n < 3; n++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        steps++;
        yield;
      }
    }
  }
  const work = new Passes();
  const after = async (ms: number) => {
    await jest.advanceTimersByTimeAsync(ms);
    return steps;
  };
  try {
    await work.onApplicationBootstrap();
    // A step takes 100 ms, and 200 ms of rest follow.
    expect([await after(2_099), await after(1), await after(299), await after(1), await after(300)]).toEqual([
      0, 1, 1, 2, 3,
    ]);
    expect([await after(59_000), await after(5_000)]).toEqual([3, 6]);
  } finally {
    await work.beforeApplicationShutdown();
    jest.useRealTimers();
  }
});
