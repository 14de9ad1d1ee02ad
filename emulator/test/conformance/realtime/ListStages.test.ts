import { DeleteStageCommand, ListStagesCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('lists every stage exactly once, page by page', async () => {
  const made = [await t.stage(), await t.stage(), await t.stage()].map(({ arn }) => arn);
  const found: (string | undefined)[] = [];
  let nextToken: string | undefined;
  do {
    const page = await t.realtime.send(new ListStagesCommand({ maxResults: 2, nextToken }));
    expect(page.stages?.length).toBeLessThanOrEqual(2);
    found.push(...(page.stages ?? []).map(({ arn }) => arn));
    nextToken = page.nextToken;
  } while (nextToken);
  expect(found).toEqual(expect.arrayContaining(made));
  expect(new Set(found).size).toBe(found.length);
});

t.onEmulator('lists every other stage when a stage is deleted between two pages', async () => {
  const { stages, nextToken } = await t.realtime.send(new ListStagesCommand({ maxResults: 2 }));
  const rest = (await t.realtime.send(new ListStagesCommand({ nextToken }))).stages?.map(({ arn }) => arn);
  await t.realtime.send(new DeleteStageCommand({ arn: stages?.[1]?.arn }));
  const again = (await t.realtime.send(new ListStagesCommand({ nextToken }))).stages?.map(({ arn }) => arn);
  expect(again?.length).toBeGreaterThanOrEqual((rest?.length ?? 0) - 1);
});

it('refuses a page of 101 items, and a token that it did not give', async () => {
  await refusedInput(t.realtime.send(new ListStagesCommand({ maxResults: 101 })));
  await refusedInput(t.realtime.send(new ListStagesCommand({ nextToken: 'bWFkZSB1cA' })));
});
