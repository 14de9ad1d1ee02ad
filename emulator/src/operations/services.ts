import { CHAT } from './chat/operations.ts';
import { REALTIME } from './realtime/operations.ts';
import type { Handler } from '../state/call.ts';
import { refuseReservedTags } from '../state/tags.ts';
import { loadModel, type OperationModel, type ServiceModel } from '../wire/model.ts';

/** The models of the two services. */
export const SERVICES: readonly ServiceModel[] = [loadModel('ivs-realtime'), loadModel('ivschat')];

/**
 * A handler of any operation. The types of single operations are checked in the tables of handlers; the model checks
 * the input.
 */
type AnyHandler = Handler<Record<string, unknown>, unknown>;

const HANDLERS = { ivs: REALTIME, ivschat: CHAT } as unknown as Record<string, Record<string, AnyHandler>>;

/** The function that performs an operation. It refuses reserved tags in the input of every operation. */
export function handlerOf(operation: OperationModel): AnyHandler {
  const handler = HANDLERS[operation.service.name]?.[operation.name];
  if (!handler) throw new Error(`the operation ${operation.name} has no handler`);
  return (call, input) => {
    refuseReservedTags(input);
    return handler(call, input);
  };
}
