/** The permissions at IVS, tried with a space that is deleted again. */
import { randomUUID } from 'node:crypto';
import { StagedoorProblem } from '@stagedoor/client/server';
import type { Connection } from '../connection.ts';
import type { Check } from './check.ts';

type Api = Connection['api'];

/** Makes a space, does in it what moderation and vending do, and deletes it. */
export async function checkIvs(api: Api): Promise<Check[]> {
  const checks: Check[] = [];
  let spaceId = '';
  /** Returns false if the step failed. */
  const step = async (calls: string, work: () => Promise<string | void>): Promise<boolean> => {
    try {
      const found = await work();
      checks.push({ check: calls, outcome: 'ok', found: found ?? 'IVS lets the service do it.' });
      return true;
    } catch (error) {
      if (!(error instanceof StagedoorProblem)) throw error;
      checks.push({ check: calls, outcome: 'failed', found: `${error.code}: ${error.detail}` });
      return false;
    }
  };
  const isThere = await step('CreateStage, CreateRoom', async () => {
    const { id } = await api.POST('/v1/spaces', {
      body: { name: `stagedoor doctor ${randomUUID()}`, defaultRole: null },
    });
    spaceId = id;
  });
  if (!isThere) return checks;
  const path = { spaceId };
  const userId = `stagedoor-doctor-${randomUUID()}`;
  await step('CreateParticipantToken, CreateChatToken', async () => {
    const { stage } = await api.vend(spaceId, { userId, role: 'viewer' });
    return stage?.mint === 'key-pair'
      ? 'IVS makes the chat tokens. A signing key makes the stage tokens, so CreateParticipantToken was not tried.'
      : undefined;
  });
  await step('ListParticipants', async () => {
    for await (const _ of api.list('/v1/spaces/{spaceId}/participants', { path })) break;
  });
  await step('SendEvent', async () => {
    const action = await api.POST('/v1/spaces/{spaceId}/events', {
      params: { path },
      body: { name: 'stagedoor.doctor' },
    });
    return deliveredOrWhy(action);
  });
  await step('DisconnectParticipant, DisconnectUser', async () => {
    const params = { path: { spaceId, userId } };
    return deliveredOrWhy(await api.POST('/v1/spaces/{spaceId}/users/{userId}/disconnect', { params, body: {} }));
  });
  await step('DeleteStage, DeleteRoom', async () => {
    await api.DELETE('/v1/spaces/{spaceId}', { params: { path } });
  });
  return checks;
}

type Action = Awaited<ReturnType<Api['ban']>>['action'];

/** What IVS said to the calls of an action. */
function deliveredOrWhy({ targets, state }: Action): string | undefined {
  const refused = targets.find(({ lastError }) => lastError !== undefined);
  if (refused) throw new StagedoorProblem('ivs_rejected', `${refused.operation}: ${String(refused.lastError)}`);
  return state === 'pending' ? 'IVS was asked, and some calls follow later.' : undefined;
}
