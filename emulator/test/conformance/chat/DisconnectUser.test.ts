import { DisconnectUserCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('succeeds for a user who is not connected', async () => {
  const roomIdentifier = await t.room();
  await expect(t.chat.send(new DisconnectUserCommand({ roomIdentifier, userId: 'nobody' }))).resolves.toBeDefined();
});

it('refuses an input without a user, and a reason of 257 characters', async () => {
  const roomIdentifier = await t.room();
  await refusedInput(t.chat.send(new DisconnectUserCommand({ roomIdentifier, userId: undefined })));
  const reason = 'x'.repeat(257);
  await refusedInput(t.chat.send(new DisconnectUserCommand({ roomIdentifier, userId: 'ada', reason })));
});

it('refuses a room that does not exist', async () => {
  const roomIdentifier = absent(await t.room());
  await notFound(t.chat.send(new DisconnectUserCommand({ roomIdentifier, userId: 'ada' })));
});
