import { readFileSync } from 'node:fs';
import { HELP, parseCommandLine, UsageError } from './cli.ts';

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
