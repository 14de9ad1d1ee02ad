import { DeletePublicKeyCommand, ImportPublicKeyCommand } from '@aws-sdk/client-ivs-realtime';
import { newKeyPair } from '../../support/self-signed.ts';
import { conflict, conformance, expectRefusal, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('accepts a key on P-384', async () => {
  const { publicKeyMaterial } = newKeyPair();
  const { publicKey } = await t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial, name: 'first' }));
  t.cleanUp(() => t.realtime.send(new DeletePublicKeyCommand({ arn: publicKey?.arn })));
  expect(publicKey).toMatchObject({ name: 'first', publicKeyMaterial });
  expect(publicKey?.arn).toMatch(/:public-key\//);
  expect(publicKey?.fingerprint).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/);
});

it.each([
  ['a key on another curve', newKeyPair('prime256v1').publicKeyMaterial],
  ['a key that is cut off', newKeyPair().publicKeyMaterial.replace(/.{20}\n-----END/, '\n-----END')],
  ['a text that is not a key', 'key'],
])('refuses %s', async (_what, publicKeyMaterial) => {
  await refusedInput(t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial })));
});

t.onEmulator('refuses a key that was imported before, and a fourth key', async () => {
  const { publicKeyMaterial } = newKeyPair();
  await t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
  await conflict(t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial })));
  await t.realtime.send(new ImportPublicKeyCommand(newKeyPair()));
  await expectRefusal(t.realtime.send(new ImportPublicKeyCommand(newKeyPair())), 'ServiceQuotaExceededException', 402);
});
