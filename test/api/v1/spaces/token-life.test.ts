import { connectWithTokens } from '../../../../emulator/test/support/chat-room.ts';
import { Stagedoor } from '../../../support/stagedoor.ts';

// The emulator's clock only goes forward, so what expires has a service of its own.
let stagedoor: Stagedoor;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

it('tokens open nothing after their time, whoever made them', async () => {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  const user = await tenant.issuer.token('u');
  const join = () => stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, user));
  const byIvs = await join();
  await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
  const byKey = await join();
  expect([byIvs['stage'].mint, byKey['stage'].mint]).toEqual(['ivs', 'key-pair']);
  stagedoor.ivs.skip(601);
  for (const { stage } of [byIvs, byKey]) {
    expect(() => stagedoor.ivs.join(stage.token)).toThrow(expect.objectContaining({ code: 'TOKEN_EXPIRED' }));
  }
  const late = connectWithTokens(byIvs['chat'].endpoint, async () => byIvs['chat'].token as string);
  expect(await late.disconnected).toBe('socketError');
});
