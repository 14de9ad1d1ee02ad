import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';
import { currentRequest, runInRequest } from '../request-context.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { networkOf, type Sender, Strangers } from './strangers.ts';

const perMinute = 6;
let strangers: Strangers;

function strangersWith(env: Record<string, string> = {}): Strangers {
  const settings = Settings.from({
    DATABASE_URL: 'postgresql://localhost/db',
    STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
    STAGEDOOR_MASTER_KEY: Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64'),
    AWS_REGION: 'us-east-1',
    FAILURES_PER_ADDRESS_PER_MINUTE: String(perMinute),
    ...env,
  });
  return new Strangers(settings, new Metrics());
}

beforeEach(() => {
  jest.useFakeTimers();
  strangers = strangersWith();
});

afterEach(() => {
  jest.useRealTimers();
});

const from = (ip: string, more: Partial<Sender> = {}): Sender => ({
  ip,
  headers: {},
  socket: { remoteAddress: ip },
  ...more,
});

type Work = 'lookUp' | 'verify' | 'missed';

/** Sends a credential. Answers what becomes of it: `good`, the code of the problem, or the seconds until it may come again. */
async function send(sender: Sender, credential: string, work: Work[], failure?: Problem): Promise<string | number> {
  return await new Promise((resolve) => {
    runInRequest({ requestId: 'r', startedAt: 0 }, () => {
      void strangers
        .meet(sender, credential, async () => {
          for (const step of work) currentRequest()?.stranger?.[step]();
          if (failure) throw failure;
        })
        .then(
          () => resolve('good'),
          (error: Problem) => resolve(error.code === 'rate_limited' ? (error.retryAfterSeconds ?? NaN) : error.code),
        );
    });
  });
}

const refused = new Problem('unauthenticated', 'no');
const bad = (ip: string, n: number | string, work: Work[] = ['lookUp']) => send(from(ip), `bad ${n}`, work, refused);
const good = (ip: string, who: string, work: Work[] = ['lookUp']) => send(from(ip), who, work);
const outcomes = async (times: number, once: (n: number) => Promise<string | number>) => {
  const all: (string | number)[] = [];
  for (let n = 0; n < times; n++) all.push(await once(n));
  return all;
};

test('an address has so many failed look-ups in a minute, and the wait that it is told is the true one', async () => {
  const failed = Array.from({ length: perMinute }, () => 'unauthenticated');
  expect(await outcomes(perMinute + 1, (n) => bad('203.0.113.7', n))).toEqual([...failed, 60 / perMinute]);
  expect(await bad('203.0.113.8', 'other')).toBe('unauthenticated');
  await jest.advanceTimersByTimeAsync((60 / perMinute) * 1_000);
  expect(await bad('203.0.113.7', 'later')).toBe('unauthenticated');
  expect(await bad('203.0.113.7', 'too soon')).toBe(60 / perMinute);
});

test('whoever was good before is let in, however much has failed at their address, and newcomers need no look-up', async () => {
  await good('203.0.113.7', 'alice');
  await outcomes(perMinute, (n) => bad('203.0.113.7', n));
  expect(await outcomes(50, () => good('203.0.113.7', 'alice'))).toEqual(Array.from({ length: 50 }, () => 'good'));
  expect(await good('203.0.113.7', 'new, of an issuer that is known', ['verify'])).toBe('good');
  expect(await good('203.0.113.7', 'new, of nobody knows where')).toBe(60 / perMinute);
  expect(await good('203.0.113.9', 'new, from elsewhere')).toBe('good');
});

test('a good credential costs its address nothing, and one that names spaces that are not there pays for itself', async () => {
  expect(await outcomes(50, (n) => good('203.0.113.7', `user ${n}`))).not.toContain(60 / perMinute);
  const misses = await outcomes(perMinute + 1, () => good('203.0.113.7', 'user 1', ['verify', 'lookUp', 'missed']));
  expect(misses.at(-2)).toBe('good');
  expect(misses.at(-1)).toBe(60 / perMinute);
  expect(await good('203.0.113.7', 'user 2')).toBe('good');
  expect(await bad('203.0.113.7', 'x')).toBe('unauthenticated');
});

test('tokens whose signature does not fit may come ten times as often, and then newcomers wait too', async () => {
  await good('203.0.113.7', 'alice', ['verify']);
  const tries = await outcomes(perMinute * 10 + 1, (n) => bad('203.0.113.7', n, ['verify']));
  expect(tries.slice(0, -1)).toEqual(Array.from({ length: perMinute * 10 }, () => 'unauthenticated'));
  expect(tries.at(-1)).toBe(1);
  expect(await good('203.0.113.7', 'newcomer', ['verify'])).toBe(1);
  expect(await good('203.0.113.7', 'alice', ['verify'])).toBe('good');
});

test('many at once pay before it is known how they end', async () => {
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => bad('203.0.113.7', n)));
  expect(answers.filter((answer) => answer === 'unauthenticated')).toHaveLength(perMinute);
});

test('what fails for other reasons costs nothing, and a credential that stopped being good counts as a stranger’s', async () => {
  const away = new Problem('unavailable', 'the database is away');
  const sent = await outcomes(50, (n) => send(from('203.0.113.7'), `user ${n}`, ['lookUp', 'verify'], away));
  expect(new Set(sent)).toEqual(new Set(['unavailable']));
  await good('203.0.113.7', 'revoked');
  await outcomes(perMinute, (n) => bad('203.0.113.7', n));
  expect(await send(from('203.0.113.7'), 'revoked', ['lookUp'], refused)).toBe('unauthenticated');
  expect(await send(from('203.0.113.7'), 'revoked', ['lookUp'], refused)).toBe(60 / perMinute);
});

test('an IPv6 network of a customer counts as one address', async () => {
  expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe(networkOf('2001:db8:1:2::1'));
  expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'));
  expect(networkOf('::ffff:203.0.113.7')).toBe(networkOf('203.0.113.7'));
  await outcomes(perMinute, (n) => bad(`2001:db8:1:2::${n + 1}`, n));
  expect(await bad('2001:db8:1:2:ffff::9', 'x')).toBe(60 / perMinute);
  expect(await bad('2001:db8:1:3::1', 'x')).toBe('unauthenticated');
});

test('people behind a proxy that the settings do not name share no allowance', async () => {
  const proxied = (n: number, ip: string) =>
    send(from(ip, { headers: { 'x-forwarded-for': '198.51.100.1' } }), `bad ${n}`, ['lookUp'], refused);
  expect(await outcomes(50, (n) => proxied(n, '10.0.0.3'))).not.toContain(60 / perMinute);
  // Anybody can send the header. From a public address it changes nothing.
  expect((await outcomes(50, (n) => proxied(n, '8.8.8.8'))).at(-1)).toBe(60 / perMinute);
});

test('requests to sign in are counted whatever becomes of them', () => {
  for (let n = 0; n < perMinute; n++) strangers.visit(from('203.0.113.7'));
  expect(() => strangers.visit(from('203.0.113.7'))).toThrow('rate_limited');
  strangers.visit(from('203.0.113.8'));
});

test('neither a hundred thousand addresses nor as many good credentials fill the memory', async () => {
  for (let n = 0; n < 101_000; n++) strangers.visit(from(`8.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));
  expect(strangers.names).toBe(100_000);
  await new Promise<void>((resolve) => {
    runInRequest({ requestId: 'r', startedAt: 0 }, () => {
      const verify = async () => currentRequest()?.stranger?.verify();
      void (async () => {
        for (let n = 0; n < 51_000; n++) await strangers.meet(from('8.8.8.8'), `user ${n}`, verify);
        resolve();
      })();
    });
  });
  expect(strangers.names).toBe(150_001);
});
