import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { newApiKey } from './api-keys/api-key-format.ts';
import { loggerOptions } from './logging.ts';
import { redaction, withoutSecrets } from './redaction.ts';

const part = (bytes: number) => randomBytes(bytes).toString('base64url');
const jwt = `${Buffer.from('{"alg":"ES256","typ":"JWT"}').toString('base64url')}.${part(60)}.${part(64)}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
/** Letters of both cases and a digit are nearly always among 40 characters. Here they always are. */
const awsSecret = `aB3${randomBytes(30).toString('base64').slice(3)}`;

const secrets = {
  'an API key': newApiKey('acme-2'),
  'an API key that was cut': newApiKey('acme').slice(0, -9),
  'a secret of a webhook': `whsec_${randomBytes(32).toString('base64')}`,
  'a JWT': jwt,
  'the token of a chat room': `${part(220)}.${part(28)}`,
  'a secret access key of AWS': awsSecret,
  'a session token of AWS': `IQoJb3JpZ2luX2Vj${randomBytes(200).toString('base64')}`,
  'a private key': privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  'a private key that was cut': privateKey.export({ format: 'pem', type: 'pkcs8' }).toString().slice(0, 150),
  'the private half of a JWK': `aB3${privateKey.export({ format: 'jwk' }).d?.slice(3)}`,
  'a master key': `aB3${randomBytes(32).toString('base64').slice(3)}`,
  'the secret of a session': `aB3${part(32).slice(3)}`,
  'a secret of 32 bytes in hexadecimal': randomBytes(32).toString('hex'),
};

test.each(Object.entries(secrets))('%s is taken out of a line of the log, wherever it stands', (_, secret) => {
  const lines: string[] = [];
  const log = logTo(lines, []);
  const error = new Error(`no: ${secret}`, { cause: new Error(secret) });
  log.info(`before ${secret} after`);
  log.warn({ err: error }, 'an error');
  log.error({ deep: { deeper: [{ deepest: secret, url: `https://a.example/?token=${secret}` }] } });
  expect(lines).toHaveLength(3);
  // In a line of the log a PEM has its line breaks escaped.
  const [, second = secret] = secret.split('\n');
  for (const line of lines) {
    expect(line).not.toContain(second.slice(-20));
    expect(line).toContain('[secret]');
    expect(() => void JSON.parse(line)).not.toThrow();
  }
  expect(lines[0]).toContain('"before [secret]');
});

test.each([
  ['postgresql://stagedoor:pa55-word@db:5432/x', 'postgresql://stagedoor:[secret]@db:5432/x'],
  ['https://a.example:3000/x@y', 'https://a.example:3000/x@y'],
  ['host=db password=pa55 user=x', 'host=db password=[secret] user=x'],
  ['authorization: Bearer 0123456789abcdef', 'authorization: Bearer [secret]'],
])('%s becomes %s', (text, safe) => expect(withoutSecrets(text)).toBe(safe));

test.each([
  'the ids of Stagedoor: spc_01hzzzzzzzzzzzzzzzzzzzzzzz grt_0123456789abcdefghijklmnop',
  'a UUID 0b9a7c52-9a4e-4a53-9d0c-0d1d6f7f4c3e and a trace 0af7651916cd43dd8448eb211c80319c',
  'arn:aws:ivs:us-east-1:111122223333:stage/AbCdEf123456',
  'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  '    at Object.<anonymous> (/app/node_modules/@nestjs/core/router/router-execution-context.js:38:17)',
  '/v1/spaces/:spaceId/users/:userId/participants sk_acme_ sk_ whsec_ eyJ',
  'Send a valid credential as Authorization: Bearer …. STAGEDOOR_MASTER_KEY must be 32 bytes in base64',
  'https://sqs.us-east-1.amazonaws.com/111122223333/ivs-events postgresql://db/x',
  'disconnect_the_participants_of_every_unfinished_action_of_tenant',
])('nothing is taken out of “%s”', (text) => expect(withoutSecrets(text)).toBe(text));

test('a secret of the settings is taken out, whatever its form, also where JSON escapes it', () => {
  const own = ['!"operator\\token"of#this$service', 'short'];
  const lines: string[] = [];
  logTo(lines, own).info({ text: `a${own[0]}b, short` }, own[0]);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ text: 'a[secret]b, short', msg: '[secret]' });
  expect(redaction(own)(`x${own[0]}`)).toBe('x[secret]');
});

/** A logger as the service has it. */
function logTo(lines: string[], own: string[]): pino.Logger {
  const { pinoHttp } = loggerOptions({ logLevel: 'info', secrets: own }, { write: (line) => void lines.push(line) });
  const [options, output] = pinoHttp as [pino.LoggerOptions, pino.DestinationStream];
  return pino({ ...options, serializers: { err: pino.stdSerializers.err } }, output);
}
