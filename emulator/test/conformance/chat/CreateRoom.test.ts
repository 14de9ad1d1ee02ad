import { CreateRoomCommand, DeleteRoomCommand, ListRoomsCommand } from '@aws-sdk/client-ivschat';
import { conformance } from '../../support/conformance.ts';

const t = conformance();

it('makes a room with the default limits', async () => {
  const room = await t.chat.send(new CreateRoomCommand({ name: 'lobby', tags: { team: 'a' } }));
  t.cleanUp(() => t.chat.send(new DeleteRoomCommand({ identifier: room.arn })));
  expect(room).toMatchObject({
    name: 'lobby',
    tags: { team: 'a' },
    maximumMessageLength: 500,
    maximumMessageRatePerSecond: 10,
  });
  expect(room.id).toMatch(/^[a-zA-Z0-9]{12}$/);
  expect(room.arn?.endsWith(`room/${room.id}`)).toBe(true);
  expect(room.createTime).toBeInstanceOf(Date);
  expect(room).not.toHaveProperty('messageReviewHandler');
  const { rooms } = await t.chat.send(new ListRoomsCommand({ name: 'lobby' }));
  expect(rooms?.find(({ arn }) => arn === room.arn)).not.toHaveProperty('messageReviewHandler');
});

it.each([
  { maximumMessageLength: 501 },
  { maximumMessageRatePerSecond: 101 },
  { maximumMessageLength: 0 },
  { name: 'a b' },
])('refuses %j and names the wrong field', async (input) => {
  await expect(t.chat.send(new CreateRoomCommand(input))).rejects.toMatchObject({
    name: 'ValidationException',
    reason: 'FIELD_VALIDATION_FAILED',
    fieldList: [{ name: Object.keys(input)[0] }],
  });
});
