import { ListTagsForResourceCommand, UntagResourceCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('removes tags, and ignores keys that the resource does not have', async () => {
  const { arn: resourceArn } = await t.stage({ tags: { a: '1', 'c d': '2', e: '3' } });
  await t.realtime.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a', 'c d', 'never'] }));
  const { tags } = await t.realtime.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ e: '3' });
});

it('refuses an ARN under which nothing exists', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new UntagResourceCommand({ resourceArn: absent(arn), tagKeys: ['a'] })));
});
