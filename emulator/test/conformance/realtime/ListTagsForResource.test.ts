import { ListTagsForResourceCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('answers the tags of a resource', async () => {
  const { arn: resourceArn } = await t.stage({ tags: { team: 'a', 'with space': '' } });
  const { tags } = await t.realtime.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ team: 'a', 'with space': '' });
});

it('refuses an ARN under which nothing exists', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new ListTagsForResourceCommand({ resourceArn: absent(arn) })));
});
