/** Freezing and unfreezing a crowded space: how long a moderator waits. */
import { setTimeout as delay } from 'node:timers/promises';

import { hoard } from '../../test/support/hoard.ts';
import { heading, line, ms } from '../support/report.ts';
import { makeTenant, type Deployment, startDeployment, withClient } from '../support/deployment.ts';
import { vacuum } from '../support/bulk-data.ts';

export async function freeze(): Promise<void> {
  heading('Freezing a space whose people all hold a stage token to publish and a chat token to send');
  for (const people of [100, 1_000, 10_000]) {
    const deployment = await startDeployment();
    try {
      await measure(deployment, people);
    } finally {
      await deployment.stop();
    }
  }
}

async function measure(deployment: Deployment, people: number): Promise<void> {
  const tenant = await makeTenant(deployment, 'crowded', {});
  const [spaceId = ''] = tenant.spaceIds;
  const userIds = Array.from({ length: people }, (_, n) => `user-${n}`);
  await withClient(deployment.superuserUrl, (client) => hoard(client, tenant.id, spaceId, { userIds, each: 1 }));
  await vacuum(deployment);
  const begun = performance.now();
  await tenant.api.call('POST', `/v1/spaces/${spaceId}/freeze`);
  const frozen = performance.now() - begun;
  await untilWrittenDown(deployment);
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

async function untilWrittenDown(deployment: Deployment): Promise<void> {
  await withClient(deployment.superuserUrl, async (client) => {
    while ((await client.query('select from unfinished_actions')).rowCount) await delay(20);
  });
}
