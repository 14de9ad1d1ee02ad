import { GetRoomCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('answers what was made', async () => {
  const arn = await t.room({ name: 'lobby', maximumMessageLength: 100 });
  const room = await t.chat.send(new GetRoomCommand({ identifier: arn }));
  expect(room).toMatchObject({ arn, name: 'lobby', maximumMessageLength: 100 });
});

it('knows no room that was never made, and names it', async () => {
  const identifier = absent(await t.room());
  await expect(t.chat.send(new GetRoomCommand({ identifier }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    resourceId: 'AbsentAbsent',
    resourceType: 'ROOM',
    $metadata: { httpStatusCode: 404 },
  });
});

it('refuses a bare room id: it has to be the ARN', async () => {
  await refusedInput(t.chat.send(new GetRoomCommand({ identifier: 'abcdABCDefgh' })));
});
