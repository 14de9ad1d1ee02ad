import { Webhook } from 'standardwebhooks';
import { newSecret, secretText, signedHeaders } from './signature.ts';

const [key, other] = [newSecret(), newSecret()];
const id = 'evt_01h455vb4pex5vsknk084sn02q';
const body = JSON.stringify({
  id,
  type: 'ban.created',
  data: { name: 'Zoë 🎭' },
});

it('signs what the library of Standard Webhooks accepts', () => {
  const headers = signedHeaders(id, body, [key], new Date());
  expect(new Webhook(secretText(key)).verify(body, headers)).toEqual(JSON.parse(body));
});

it('signs as the library of Standard Webhooks does', () => {
  const now = new Date('2026-03-01T19:00:00.400Z');
  const { 'webhook-signature': signature } = signedHeaders(id, body, [key], now);
  expect(signature).toBe(new Webhook(secretText(key)).sign(id, now, body));
});

it('signs with both keys during a rotation, and with no third one', () => {
  const headers = signedHeaders(id, body, [other, key], new Date());
  for (const one of [key, other]) expect(() => new Webhook(secretText(one)).verify(body, headers)).not.toThrow();
  expect(() => new Webhook(secretText(newSecret())).verify(body, headers)).toThrow();
});

it.each([
  ['another body', (headers: Record<string, string>) => [`${body} `, headers]],
  ['another id', (headers: Record<string, string>) => [body, { ...headers, 'webhook-id': 'evt_2' }]],
  ['another time', (headers: Record<string, string>) => [body, { ...headers, 'webhook-timestamp': `${now() + 9}` }]],
] as const)('a receiver refuses %s', (_, change) => {
  const [changed, headers] = change(signedHeaders(id, body, [key], new Date())) as [string, Record<string, string>];
  expect(() => new Webhook(secretText(key)).verify(changed, headers)).toThrow();
});

it('a receiver refuses a webhook that is older than five minutes', () => {
  const headers = signedHeaders(id, body, [key], new Date(Date.now() - 6 * 60_000));
  expect(() => new Webhook(secretText(key)).verify(body, headers)).toThrow();
});

function now(): number {
  return Math.floor(Date.now() / 1_000);
}
