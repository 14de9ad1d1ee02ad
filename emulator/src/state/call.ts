import type { OperationModel } from '../wire/model.ts';
import { ServiceError } from '../wire/service-error.ts';
import { parseArn } from '../arns.ts';
import { randomId } from '../ids.ts';
import type { Scope } from './scope.ts';
import type { World } from './world.ts';

/**
 * One call of an operation: the operation, the account and Region of the caller, and the state that the call acts on.
 */
export interface Call {
  operation: OperationModel;
  world: World;
  scope: Scope;
  /** The time of the call, in milliseconds since 1970, by the emulator's clock. */
  now: number;
  /** Returns the id for the resource that this call makes. A seed file can choose the id. Otherwise it is random. */
  newId: () => string;
}

/** The function that performs an operation. The service model describes the input and the output. */
export type Handler<Input, Output> = (call: Call, input: Input) => Output | Promise<Output>;

/** The functions of a service, by the name of the operation. */
export type Handlers<Operations extends Record<keyof Operations, { input: unknown; output: unknown }>> = {
  [Name in keyof Operations]: Handler<Operations[Name]['input'], Operations[Name]['output']>;
};

export function newCall(world: World, scope: Scope, operation: OperationModel, newId: () => string = randomId): Call {
  return { operation, world, scope, now: world.clock.now(), newId };
}

/** Makes the ARN of a new resource. */
export function newArn(call: Call, type: string): string {
  const { account, region } = call.scope;
  return `arn:aws:${call.operation.service.name}:${region}:${account}:${type}/${call.newId()}`;
}

/**
 * Finds a resource by its ARN.
 *
 * @throws ServiceError of `notFound` when there is none.
 */
export function find<Resource>(call: Call, resources: ReadonlyMap<string, Resource>, arn: string): Resource {
  const resource = resources.get(arn);
  if (resource === undefined) throw notFound(call, arn);
  return resource;
}

/**
 * The error for an ARN under which the caller has nothing. AccessDeniedException for an ARN of another account, whether
 * the resource exists or not. ResourceNotFoundException for an ARN of another Region, or of nothing.
 * ValidationException when the model of the operation does not list the error that would apply.
 */
export function notFound(call: Call, arn: string): ServiceError {
  const parts = parseArn(arn);
  const { errors, service, name } = call.operation;
  const details = { resourceId: resourceIdOf(arn), resourceType: 'ROOM' };
  if (parts && parts.account !== call.scope.account && errors.has('AccessDeniedException')) {
    return new ServiceError('AccessDeniedException', `not authorized to perform ${service.name}:${name} on ${arn}`);
  }
  if (errors.has('ResourceNotFoundException')) {
    return new ServiceError('ResourceNotFoundException', `there is no resource ${arn}`, details);
  }
  return new ServiceError('ValidationException', `there is no resource ${arn}`, { reason: 'OTHER' });
}

/** The error for a resource that exceeds the quota of the account. */
export function quotaExceeded(what: string, limit: number, arn = ''): ServiceError {
  return new ServiceError('ServiceQuotaExceededException', `the quota of ${limit} ${what} is used up`, {
    resourceId: resourceIdOf(arn),
    resourceType: 'ROOM',
    limit,
  });
}

/** The error for a call that does not fit the present state of a resource. */
export function conflict(message: string, arn: string): ServiceError {
  return new ServiceError('ConflictException', message, { resourceId: resourceIdOf(arn), resourceType: 'ROOM' });
}

/** The error for input that the model allows and the service refuses. */
export function invalid(path: string, message: string): ServiceError {
  return new ServiceError('ValidationException', `${path} ${message}`, {
    reason: 'FIELD_VALIDATION_FAILED',
    fieldList: [{ name: path, message }],
  });
}

/** The id of a resource in the errors of IVS Chat, which allow letters and digits only (service model). */
function resourceIdOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1).replaceAll(/[^a-zA-Z0-9]/g, '') || 'unknown';
}
