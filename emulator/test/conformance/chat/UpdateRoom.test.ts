import { GetRoomCommand, UpdateRoomCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('changes the members that are given', async () => {
  const identifier = await t.room({ name: 'before', maximumMessageLength: 100 });
  const room = await t.chat.send(new UpdateRoomCommand({ identifier, name: 'after' }));
  expect(room).toMatchObject({ arn: identifier, name: 'after', maximumMessageLength: 100 });
});

t.onEmulator('attaches a review handler, and an empty one detaches it', async () => {
  const identifier = await t.room();
  const uri = 'arn:aws:lambda:us-west-2:111122223333:function:review';
  const update = async (uri: string) =>
    (await t.chat.send(new UpdateRoomCommand({ identifier, messageReviewHandler: { uri } }))).messageReviewHandler;
  expect(await update(uri)).toEqual({ uri, fallbackResult: 'ALLOW' });
  await update('');
  expect(await t.chat.send(new GetRoomCommand({ identifier }))).not.toHaveProperty('messageReviewHandler');
  await refusedInput(update('https://example.com/review'));
});

it('refuses a room that does not exist', async () => {
  await notFound(t.chat.send(new UpdateRoomCommand({ identifier: absent(await t.room()), name: 'x' })));
});
