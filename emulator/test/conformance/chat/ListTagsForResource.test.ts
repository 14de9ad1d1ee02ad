import { ListTagsForResourceCommand } from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('answers the tags of a resource', async () => {
  const resourceArn = await t.room({ tags: { team: 'a', 'with space': '' } });
  const { tags } = await t.chat.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual({ team: 'a', 'with space': '' });
});

it('refuses an ARN under which nothing exists', async () => {
  const arn = await t.room();
  await notFound(t.chat.send(new ListTagsForResourceCommand({ resourceArn: absent(arn) })));
});
