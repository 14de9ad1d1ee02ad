import { ListRoomsCommand, UpdateRoomCommand } from '@aws-sdk/client-ivschat';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('lists the rooms of a name, the most recently changed first', async () => {
  const name = `list-${Date.now()}`;
  const first = await t.room({ name });
  const second = await t.room({ name });
  await t.room();
  const list = async () => (await t.chat.send(new ListRoomsCommand({ name }))).rooms?.map(({ arn }) => arn);
  expect(await list()).toEqual([second, first]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await t.chat.send(new UpdateRoomCommand({ identifier: first, maximumMessageLength: 50 }));
  expect(await list()).toEqual([first, second]);
});

it('answers one page after the other', async () => {
  const first = await t.chat.send(new ListRoomsCommand({ maxResults: 1 }));
  expect(first.rooms).toHaveLength(1);
  const second = await t.chat.send(new ListRoomsCommand({ maxResults: 1, nextToken: first.nextToken }));
  expect(second.rooms?.[0]?.arn).not.toBe(first.rooms?.[0]?.arn);
  await refusedInput(t.chat.send(new ListRoomsCommand({ maxResults: 51 })));
});
