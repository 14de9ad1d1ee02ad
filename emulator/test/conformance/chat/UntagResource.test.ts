import { ListTagsForResourceCommand, UntagResourceCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('removes tags, and ignores keys that the resource does not have', async () => {
  const resourceArn = await t.room({ tags: { a: '1', 'c d': '2', e: '3' } });
  await t.chat.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a', 'c d', 'never'] }));
  const { tags } = await t.chat.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ e: '3' });
});

it('refuses an ARN under which nothing exists', async () => {
  const arn = await t.room();
  await notFound(t.chat.send(new UntagResourceCommand({ resourceArn: absent(arn), tagKeys: ['a'] })));
});
