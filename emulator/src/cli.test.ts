import { readFileSync } from 'node:fs';
import { HELP, parseCommandLine, UsageError } from './cli.ts';
import { parseWait } from './wait.ts';

it('an empty command line leaves every setting at its default', () => {
  expect(parseCommandLine([])).toEqual({});
});

it('each option sets its setting', () => {
  const args =
    '--port 0 --host ::1 --data d --seed s.json --strict-quotas --allow-unsigned --switch expiredStays=false';
  expect(parseCommandLine([...args.split(' '), '--switch', 'absentParticipant=ignored'])).toEqual({
    port: 0,
    host: '::1',
    data: 'd',
    seed: 's.json',
    quotas: 'strict',
    allowUnsigned: true,
    switches: { expiredStays: false, absentParticipant: 'ignored' },
  });
});

it('the environment sets switches, and an option has precedence', () => {
  const environment = { IVS_EMULATOR_SWITCHES: 'participantEventsOrder=newest-first, clockSkewSeconds=3' };
  expect(parseCommandLine([], environment)).toEqual({
    switches: { participantEventsOrder: 'newest-first', clockSkewSeconds: 3 },
  });
  expect(parseCommandLine(['--switch', 'clockSkewSeconds=5'], environment)).toEqual({
    switches: { participantEventsOrder: 'newest-first', clockSkewSeconds: 5 },
  });
});

it('the environment sets every option, and an option of the command line has precedence', () => {
  const environment = {
    IVS_EMULATOR_PORT: '4581',
    IVS_EMULATOR_HOST: '0.0.0.0',
    IVS_EMULATOR_ALLOW_REMOTE: 'true',
    IVS_EMULATOR_DATA: '/data',
    IVS_EMULATOR_SEED: '/seed.json',
    IVS_EMULATOR_NO_QUOTAS: 'true',
    IVS_EMULATOR_ALLOW_UNSIGNED: 'false',
    IVS_EMULATOR_EVENT_TARGETS: 'http://a/,http://b/',
    IVS_EMULATOR_REVIEW_HANDLERS: 'arn:aws:lambda:us-east-1:111122223333:function:a=http://c/',
    IVS_EMULATOR_CHAT_LOGS: '',
  };
  const set = {
    port: 4581,
    host: '0.0.0.0',
    allowRemote: true,
    data: '/data',
    seed: '/seed.json',
    quotas: 'off',
    events: { targets: [{ url: 'http://a/' }, { url: 'http://b/' }] },
    reviewHandlers: { 'arn:aws:lambda:us-east-1:111122223333:function:a': 'http://c/' },
  };
  expect(parseCommandLine([], environment)).toEqual(set);
  const args = ['--port', '0', '--strict-quotas', '--event-target', 'http://d/'];
  expect(parseCommandLine(args, environment)).toEqual({
    ...set,
    port: 0,
    quotas: 'strict',
    events: { targets: [{ url: 'http://d/' }] },
  });
  expect(() => parseCommandLine([], { IVS_EMULATOR_NO_QUOTAS: 'yes' })).toThrow('must be true or false');
  expect(() => parseCommandLine([], { IVS_EMULATOR_PORT: 'x' })).toThrow(UsageError);
});

it('a health check asks the port of the emulator in its environment', () => {
  expect(parseWait([]).url).toBe('http://127.0.0.1:4580');
  expect(parseWait([], { IVS_EMULATOR_PORT: '4581' }).url).toBe('http://127.0.0.1:4581');
  expect(parseWait(['--url', 'http://ivs:80'], { IVS_EMULATOR_PORT: '4581' }).url).toBe('http://ivs:80');
});

it.each([['--port', 'x'], ['--port', '70000'], ['--prot', '1'], ['--strict-quotas', '--no-quotas'], ['extra']])(
  'a wrong command line is refused: %s %s',
  (...args) => {
    expect(() => parseCommandLine(args.filter(Boolean))).toThrow(UsageError);
  },
);

it('README.md lists the options as --help prints them', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [options = ''] = HELP.split('\n\n').slice(1);
  expect(options).toContain('--port');
  expect(readme).toContain(options.replaceAll(/^ {2}/gm, ''));
});
