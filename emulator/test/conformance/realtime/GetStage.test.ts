import { GetStageCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, expectRefusal, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('answers what CreateStage did', async () => {
  const made = await t.stage({ name: 'main' });
  const { stage } = await t.realtime.send(new GetStageCommand({ arn: made.arn }));
  expect(stage).toEqual(made);
});

it('knows no stage that was never made, or an ARN that is none', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new GetStageCommand({ arn: absent(arn) })));
  await refusedInput(t.realtime.send(new GetStageCommand({ arn: 'stage' })));
  await refusedInput(t.realtime.send(new GetStageCommand({ arn: undefined })));
});

it("denies another account's stage", async () => {
  const arn = 'arn:aws:ivs:us-west-2:000000000000:stage/abcdABCDefgh';
  await expectRefusal(t.realtime.send(new GetStageCommand({ arn })), 'AccessDeniedException', 403);
});
