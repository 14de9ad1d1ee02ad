import { DeletePublicKeyCommand, ImportPublicKeyCommand, ListPublicKeysCommand } from '@aws-sdk/client-ivs-realtime';
import { newKeyPair } from '../../support/self-signed.ts';
import { conformance } from '../../support/conformance.ts';

const t = conformance();

async function importKey(): Promise<string> {
  const { publicKeyMaterial } = newKeyPair();
  const { publicKey } = await t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
  const arn = publicKey?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeletePublicKeyCommand({ arn })));
  return arn;
}

it('lists public keys without their material', async () => {
  const arn = await importKey();
  const { publicKeys } = await t.realtime.send(new ListPublicKeysCommand({}));
  const found = publicKeys?.find((key) => key.arn === arn);
  expect(found).toBeDefined();
  expect(found).not.toHaveProperty('publicKeyMaterial');
});
