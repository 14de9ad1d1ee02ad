import { parseCommandLine, UsageError } from '../src/cli.ts';
import { Emulator } from '../src/index.ts';

const LAMBDA = 'arn:aws:lambda:us-west-2:111122223333:function:review';

it('the command line sets event targets, review handlers and the folder for chat logs', () => {
  const args = ['--event-target', 'http://a/', '--event-target', 'http://b/?x=1', '--chat-logs', 'logs'];
  expect(parseCommandLine([...args, '--review-handler', `${LAMBDA}=http://c/?y=2`])).toEqual({
    events: { targets: [{ url: 'http://a/' }, { url: 'http://b/?x=1' }] },
    reviewHandlers: { [LAMBDA]: 'http://c/?y=2' },
    chatLogs: 'logs',
  });
});

it.each([
  [['--event-target', 'localhost:3000'], 'the url of a target must begin with http'],
  [['--review-handler', 'http://c/'], 'http://c/ is not the ARN of a Lambda function'],
  [['--review-handler', LAMBDA], 'must begin with http'],
])('the emulator does not start with a wrong option, and says in one line why: %j', async (args, message) => {
  const options = parseCommandLine(args);
  if (typeof options === 'string') throw new Error(`the command line has no --${options}`);
  await expect(Emulator.start({ ...options, port: 0 })).rejects.toThrow(message);
});

it('an option that does not exist is refused', () => {
  expect(() => parseCommandLine(['--events', 'http://a/'])).toThrow(UsageError);
});
