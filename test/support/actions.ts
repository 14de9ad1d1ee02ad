import type { HttpClient, Json } from './stagedoor.ts';
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
