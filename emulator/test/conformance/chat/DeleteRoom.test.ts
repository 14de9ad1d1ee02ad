import { DeleteRoomCommand } from '@aws-sdk/client-ivschat';
import { conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('deletes the resource, answers 204, and refuses to delete it again', async () => {
  const identifier = await t.room();
  const { $metadata } = await t.chat.send(new DeleteRoomCommand({ identifier }));
  expect($metadata.httpStatusCode).toBe(204);
  await notFound(t.chat.send(new DeleteRoomCommand({ identifier })));
});
