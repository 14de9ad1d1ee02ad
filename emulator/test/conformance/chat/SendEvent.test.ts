import { SendEventCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('answers the id of the event', async () => {
  const roomIdentifier = await t.room();
  const { id } = await t.chat.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz' }));
  expect(id).toMatch(/^[a-zA-Z0-9]{12}$/);
});

it('accepts 1 KB of attributes and a name of 100 characters, and refuses more', async () => {
  const roomIdentifier = await t.room();
  const call = (input: object) =>
    t.chat.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz', ...input }));
  await expect(call({ attributes: { a: 'x'.repeat(1023) } })).resolves.toBeDefined();
  await refusedInput(call({ attributes: { a: 'x'.repeat(1024) } }));
  await refusedInput(call({ eventName: 'x'.repeat(101) }));
});

it('refuses a room that does not exist', async () => {
  const roomIdentifier = absent(await t.room());
  await notFound(t.chat.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz' })));
});
