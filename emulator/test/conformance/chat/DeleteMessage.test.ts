import { DeleteMessageCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('answers the id of the event that it sends, for any message id', async () => {
  const roomIdentifier = await t.room();
  const { id } = await t.chat.send(new DeleteMessageCommand({ roomIdentifier, id: 'abcdefghijkl', reason: 'spam' }));
  expect(id).toMatch(/^[a-zA-Z0-9]{12}$/);
});

it('refuses an id of eleven characters, and an empty reason', async () => {
  const roomIdentifier = await t.room();
  await refusedInput(t.chat.send(new DeleteMessageCommand({ roomIdentifier, id: 'abcdefghijk' })));
  await refusedInput(t.chat.send(new DeleteMessageCommand({ roomIdentifier, id: 'abcdefghijkl', reason: '' })));
});

it('refuses a room that does not exist', async () => {
  const roomIdentifier = absent(await t.room());
  await notFound(t.chat.send(new DeleteMessageCommand({ roomIdentifier, id: 'abcdefghijkl' })));
});
