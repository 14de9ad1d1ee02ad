import { CreateChatTokenCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('makes an opaque token that is valid for a minute, for a session of an hour', async () => {
  const roomIdentifier = await t.room();
  const before = Date.now();
  const token = await t.chat.send(new CreateChatTokenCommand({ roomIdentifier, userId: 'ada' }));
  // The characters that a WebSocket subprotocol may have.
  expect(token.token).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
  expect(token.token).not.toContain('ada');
  const lifeSeconds = (time?: Date) => Math.round(((time?.getTime() ?? 0) - before) / 1000);
  expect(Math.abs(lifeSeconds(token.tokenExpirationTime) - 60)).toBeLessThan(5);
  expect(Math.abs(lifeSeconds(token.sessionExpirationTime) - 3600)).toBeLessThan(5);
});

it.each([
  { userId: '' },
  { userId: 'x'.repeat(129) },
  { sessionDurationInMinutes: 0 },
  { sessionDurationInMinutes: 181 },
  { capabilities: ['SHOUT' as 'SEND_MESSAGE'] },
  { attributes: { a: 'é'.repeat(512) } },
])('refuses %j', async (input) => {
  const roomIdentifier = await t.room();
  await refusedInput(t.chat.send(new CreateChatTokenCommand({ roomIdentifier, userId: 'ada', ...input })));
});

it('refuses a room that does not exist', async () => {
  const roomIdentifier = absent(await t.room());
  await notFound(t.chat.send(new CreateChatTokenCommand({ roomIdentifier, userId: 'ada' })));
});
