import { GetStageCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, expectRefusal, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('answers the stage that CreateStage answered', async () => {
  const made = await t.stage({ name: 'main' });
  const { stage } = await t.realtime.send(new GetStageCommand({ arn: made.arn }));
  expect(stage).toEqual(made);
});

it('refuses a stage that does not exist, and a text that is not an ARN', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new GetStageCommand({ arn: absent(arn) })));
  await refusedInput(t.realtime.send(new GetStageCommand({ arn: 'stage' })));
  await refusedInput(t.realtime.send(new GetStageCommand({ arn: undefined })));
});

it("denies access to another account's stage", async () => {
  const arn = 'arn:aws:ivs:us-west-2:000000000000:stage/abcdABCDefgh';
  await expectRefusal(t.realtime.send(new GetStageCommand({ arn })), 'AccessDeniedException', 403);
});
