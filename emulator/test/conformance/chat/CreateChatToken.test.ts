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
  const after = Date.now();
  // Times on the wire are whole seconds or milliseconds: a second of tolerance for the cut.
  const expectIn = (time: Date | undefined, seconds: number) => {
    expect(time?.getTime()).toBeGreaterThanOrEqual(before + (seconds - 1) * 1000);
    expect(time?.getTime()).toBeLessThanOrEqual(after + (seconds + 1) * 1000);
  };
  expectIn(token.tokenExpirationTime, 60);
  expectIn(token.sessionExpirationTime, 3600);
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
