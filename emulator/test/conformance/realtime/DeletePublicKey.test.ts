import { DeletePublicKeyCommand, GetPublicKeyCommand, ImportPublicKeyCommand } from '@aws-sdk/client-ivs-realtime';
import { newKeyPair } from '../../support/self-signed.ts';
import { conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function importKey(): Promise<string> {
  const { publicKeyMaterial } = newKeyPair();
  const { publicKey } = await t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
  const arn = publicKey?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeletePublicKeyCommand({ arn })));
  return arn;
}

it('deletes the resource, and refuses to delete it again', async () => {
  const arn = await importKey();
  await t.realtime.send(new DeletePublicKeyCommand({ arn }));
  await notFound(t.realtime.send(new GetPublicKeyCommand({ arn })));
  await notFound(t.realtime.send(new DeletePublicKeyCommand({ arn })));
});
