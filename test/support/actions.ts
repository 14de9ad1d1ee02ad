import { randomUUID } from 'node:crypto';
import type { Answer, HttpClient, Json } from './stagedoor.ts';
import { until } from './until.ts';

/**
 * Waits until IVS has taken every call of an action that can be made now. What has to wait for a chat token to expire stays
 * pending. Returns the action as the service tells it then.
 */
export async function carriedOut(service: HttpClient, key: string, { id }: Json): Promise<Json> {
  let action: Json = {};
  await until(async () => {
    action = await service.expect(200, service.get(`/v1/actions/${id}`, key));
    return typeof action['silencedAt'] === 'string';
  }, 'the action is carried out');
  return action;
}

/**
 * Bans a user as a moderator's page does: under an Idempotency-Key, so that the request can be sent again. The service may
 * answer 503 after it has recorded the ban. Then it refuses the second request with 409, and the page reads the ban.
 */
export async function ban(service: HttpClient, key: string, body: Json): Promise<Json> {
  const answer = await sendUnderKey(service, key, '/v1/bans', body);
  if (answer.status === 201) return answer.body;
  const query = `userId=${encodeURIComponent(String(body['userId']))}&limit=1`;
  const { data } = await service.expect(200, service.get(`/v1/bans?${query}`, key));
  return { ban: data[0], action: await newestAction(service, key, '', (one) => one['userId'] === body['userId']) };
}

/** Freezes a space in the same way. Returns the action. */
export async function freeze(service: HttpClient, key: string, spaceId: string, body: Json = {}): Promise<Json> {
  const answer = await sendUnderKey(service, key, `/v1/spaces/${spaceId}/freeze`, body);
  if (answer.status < 300) return answer.body;
  return await newestAction(service, key, `&spaceId=${spaceId}`, ({ kind }) => kind === 'space.freeze');
}

async function sendUnderKey(service: HttpClient, key: string, path: string, body: Json): Promise<Answer> {
  const headers = { 'idempotency-key': randomUUID() };
  const answer = await service.request('POST', path, { as: key, body, headers });
  if (answer.status >= 300 && answer.status !== 409) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer;
}

async function newestAction(
  service: HttpClient,
  key: string,
  query: string,
  matches: (action: Json) => boolean,
): Promise<Json> {
  const { data } = await service.expect(200, service.get(`/v1/actions?limit=100${query}`, key));
  const found = (data as Json[]).find(matches);
  if (!found) throw new Error('the request was refused as a repeated one, but there is no such action');
  return found;
}
