import { GetRoomCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('answers the resource as it was created', async () => {
  const arn = await t.room({ name: 'lobby', maximumMessageLength: 100 });
  const room = await t.chat.send(new GetRoomCommand({ identifier: arn }));
  expect(room).toMatchObject({ arn, name: 'lobby', maximumMessageLength: 100 });
});

it('names the room that does not exist', async () => {
  const identifier = absent(await t.room());
  await expect(t.chat.send(new GetRoomCommand({ identifier }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    resourceId: 'AbsentAbsent',
    resourceType: 'ROOM',
    $metadata: { httpStatusCode: 404 },
  });
});

it('refuses the id of a room, because the identifier must be an ARN', async () => {
  await refusedInput(t.chat.send(new GetRoomCommand({ identifier: 'abcdABCDefgh' })));
});
