import {
  CreateStageCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-ivs-realtime';
import { CreateRoomCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('adds tags, and replaces the value of a tag that exists', async () => {
  const { arn: resourceArn } = await t.stage({ tags: { team: 'a', kept: 'yes' } });
  await t.realtime.send(new TagResourceCommand({ resourceArn, tags: { team: 'b' } }));
  const { tags } = await t.realtime.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ team: 'b', kept: 'yes' });
});

it('refuses a 51st tag', async () => {
  const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, '']));
  const { arn: resourceArn } = await t.stage({ tags: fifty });
  await refusedInput(t.realtime.send(new TagResourceCommand({ resourceArn, tags: { more: '' } })));
});

it.each(['aws:team', 'AWS:team', 'Aws:'])(
  'refuses the key %s, which is reserved for AWS, wherever it stands',
  async (key) => {
    const { arn: resourceArn } = await t.stage();
    const tags = { good: 'yes', [key]: 'no' };
    await refusedInput(t.realtime.send(new TagResourceCommand({ resourceArn, tags })));
    await refusedInput(t.realtime.send(new UntagResourceCommand({ resourceArn, tagKeys: ['good', key] })));
    await refusedInput(t.realtime.send(new CreateStageCommand({ tags })));
    await refusedInput(t.chat.send(new CreateRoomCommand({ tags })));
    expect((await t.realtime.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual({});
  },
);

it('refuses an ARN under which nothing exists', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new TagResourceCommand({ resourceArn: absent(arn), tags: { a: 'b' } })));
});
