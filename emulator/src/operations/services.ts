import { CHAT } from './chat/operations.ts';
import { REALTIME } from './realtime/operations.ts';
import type { Handler } from '../state/call.ts';
import { loadModel, type OperationModel, type ServiceModel } from '../wire/model.ts';

/** The two services, by their models. */
export const SERVICES: readonly ServiceModel[] = [loadModel('ivs-realtime'), loadModel('ivschat')];

/** Handlers are typed by operation where they are written; here the model has checked the input. */
type AnyHandler = Handler<Record<string, unknown>, unknown>;

const HANDLERS = { ivs: REALTIME, ivschat: CHAT } as unknown as Record<string, Record<string, AnyHandler>>;

/** The function that does an operation's work. */
export function handlerOf(operation: OperationModel): AnyHandler {
  const handler = HANDLERS[operation.service.name]?.[operation.name];
  if (!handler) throw new Error(`${operation.name} is in the model and has no function`);
  return handler;
}
