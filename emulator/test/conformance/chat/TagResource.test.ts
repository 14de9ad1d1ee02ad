import { ListTagsForResourceCommand, TagResourceCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('adds tags, and replaces the value of a tag that exists', async () => {
  const resourceArn = await t.room({ tags: { team: 'a', kept: 'yes' } });
  await t.chat.send(new TagResourceCommand({ resourceArn, tags: { team: 'b' } }));
  const { tags } = await t.chat.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ team: 'b', kept: 'yes' });
});

it('refuses a 51st tag', async () => {
  const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, '']));
  const resourceArn = await t.room({ tags: fifty });
  await refusedInput(t.chat.send(new TagResourceCommand({ resourceArn, tags: { more: '' } })));
});

it('refuses an ARN under which nothing exists', async () => {
  const arn = await t.room();
  await notFound(t.chat.send(new TagResourceCommand({ resourceArn: absent(arn), tags: { a: 'b' } })));
});
