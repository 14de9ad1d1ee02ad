import { ListTagsForResourceCommand, UntagResourceCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('takes tags away, and says nothing of those that are not there', async () => {
  const { arn: resourceArn } = await t.stage({ tags: { a: '1', 'c d': '2', e: '3' } });
  await t.realtime.send(new UntagResourceCommand({ resourceArn, tagKeys: ['a', 'c d', 'never'] }));
  const { tags } = await t.realtime.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ e: '3' });
});

it('knows nothing under an ARN that is free', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new UntagResourceCommand({ resourceArn: absent(arn), tagKeys: ['a'] })));
});
