/** The panic button in a crowded space: how long a moderator waits for it, and for its undoing. */
import { setTimeout as delay } from 'node:timers/promises';

import { hoard } from '../../test/support/hoard.ts';
import { heading, line, ms } from '../support/report.ts';
import { makeTenant, type Stand, startStand, withClient } from '../support/stand.ts';
import { settleDown } from '../support/crowd.ts';

export async function freeze(): Promise<void> {
  heading('Freezing a space whose people all hold a stage token to publish and a chat token to send');
  for (const people of [100, 1_000, 10_000]) {
    const stand = await startStand();
    try {
      await measure(stand, people);
    } finally {
      await stand.stop();
    }
  }
}

async function measure(stand: Stand, people: number): Promise<void> {
  const tenant = await makeTenant(stand, 'crowded', {});
  const [spaceId = ''] = tenant.spaceIds;
  const userIds = Array.from({ length: people }, (_, n) => `user-${n}`);
  await withClient(stand.superuserUrl, (client) => hoard(client, tenant.id, spaceId, { userIds, each: 1 }));
  await settleDown(stand);
  const begun = performance.now();
  await tenant.api.call('POST', `/v1/spaces/${spaceId}/freeze`);
  const frozen = performance.now() - begun;
  await untilWrittenDown(stand);
  const writtenDown = performance.now() - begun;
  const thawing = performance.now();
  await tenant.api.call('POST', `/v1/spaces/${spaceId}/unfreeze`);
  const thawed = performance.now() - thawing;
  line(
    `${people.toLocaleString('en')} people`,
    ms(frozen),
    `all calls on record after ${ms(writtenDown)}; undone in ${ms(thawed)}`,
  );
}

async function untilWrittenDown(stand: Stand): Promise<void> {
  await withClient(stand.superuserUrl, async (client) => {
    while ((await client.query('select from unfinished_actions')).rowCount) await delay(20);
  });
}
