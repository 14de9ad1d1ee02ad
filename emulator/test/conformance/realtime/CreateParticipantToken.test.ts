import { CreateParticipantTokenCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('creates a token for twelve hours with both capabilities', async () => {
  const { arn } = await t.stage();
  const before = Date.now();
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn: arn }));
  expect(participantToken).toMatchObject({ duration: 720, capabilities: ['PUBLISH', 'SUBSCRIBE'] });
  expect(participantToken?.participantId).toMatch(/^[a-zA-Z0-9]{12}$/);
  const lifeMinutes = ((participantToken?.expirationTime?.getTime() ?? 0) - before) / 60_000;
  expect(lifeMinutes).toBeGreaterThan(719);
  expect(lifeMinutes).toBeLessThan(721);
});

it('creates a JWT that names the stage, the participant and the capabilities', async () => {
  const { arn } = await t.stage();
  const { participantToken } = await t.realtime.send(
    new CreateParticipantTokenCommand({ stageArn: arn, userId: 'u-1', capabilities: ['SUBSCRIBE'] }),
  );
  const [header, payload] = (participantToken?.token ?? '').split('.');
  const read = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect(read(header)).toEqual({ alg: 'KMS', typ: 'JWT' });
  expect(read(payload)).toMatchObject({
    jti: participantToken?.participantId,
    resource: arn,
    capabilities: { allow_subscribe: true },
  });
});

it('accepts 1 KB of attributes and a user id of 128 characters, and refuses more', async () => {
  const { arn: stageArn } = await t.stage();
  const create = (input: object) => t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  await expect(create({ attributes: { a: 'x'.repeat(1023) } })).resolves.toBeDefined();
  await refusedInput(create({ attributes: { a: 'x'.repeat(1024) } }));
  await expect(create({ userId: '👍'.repeat(128) })).resolves.toBeDefined();
  await refusedInput(create({ userId: 'x'.repeat(129) }));
});

it.each([0, 20_161])('refuses a duration of %i minutes', async (duration) => {
  const { arn: stageArn } = await t.stage();
  await refusedInput(t.realtime.send(new CreateParticipantTokenCommand({ stageArn, duration })));
});

it('refuses a stage that does not exist', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new CreateParticipantTokenCommand({ stageArn: absent(arn) })));
});
