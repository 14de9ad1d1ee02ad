import { DeletePublicKeyCommand, GetPublicKeyCommand, ImportPublicKeyCommand } from '@aws-sdk/client-ivs-realtime';
import { newKeyPair } from '../../support/self-signed.ts';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function importKey(): Promise<string> {
  const { publicKeyMaterial } = newKeyPair();
  const { publicKey } = await t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
  const arn = publicKey?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeletePublicKeyCommand({ arn })));
  return arn;
}

it('answers the public key with its material', async () => {
  const arn = await importKey();
  const { publicKey } = await t.realtime.send(new GetPublicKeyCommand({ arn }));
  expect(publicKey?.arn).toBe(arn);
  expect(publicKey?.publicKeyMaterial).toContain('BEGIN PUBLIC KEY');
});

it('refuses a key that does not exist', async () => {
  await notFound(t.realtime.send(new GetPublicKeyCommand({ arn: absent(await importKey()) })));
});
