import type { ModelData } from './model-data.ts';
import type { Problem } from './shapes.ts';

/**
 * An error with the name that AWS uses. The service model gives the status and the form of the body. `status` applies
 * only to errors that no model lists: throttling of most operations, signatures, unknown operations.
 */
export class ServiceError extends Error {
  override readonly name: string;
  /** Further members of the body, for example `resourceId`. Only members that the model lists are sent. */
  readonly details: Record<string, unknown>;
  readonly status: number;

  constructor(name: string, message: string, details: Record<string, unknown> = {}, status = 400) {
    super(message);
    this.name = name;
    this.details = details;
    this.status = status;
  }
}

/** The error for input that breaks the service model. It names the first ten problems. */
export function validationError(problems: Problem[]): ServiceError {
  const shown = problems.slice(0, 10);
  return new ServiceError(
    'ValidationException',
    shown.map((problem) => `${problem.path} ${problem.message}`).join('; '),
    {
      reason: 'FIELD_VALIDATION_FAILED',
      fieldList: shown.map((problem) => ({ name: problem.path, message: problem.message })),
    },
  );
}

/** The status, headers and JSON body of an error. */
export interface WireError {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/**
 * The headers that the model of Real-Time lists as members of its errors and of some outputs. The model gives only
 * their names. The values are those that AWS's control planes usually send.
 */
const MODELLED_HEADERS: Record<string, string> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'x-amzn-errortype,x-amzn-requestid,x-amzn-errormessage,x-amzn-trace-id,date',
  'cache-control': 'no-store, no-cache',
  'content-security-policy': "default-src 'self'; upgrade-insecure-requests;",
  'strict-transport-security': 'max-age:47304000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** The response headers that a shape lists as members, with their values. */
export function modelledHeaders(shapes: ModelData['shapes'], shapeName: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const member of Object.values(shapes[shapeName ?? '']?.members ?? {})) {
    const name = member.location === 'header' ? member.locationName?.toLowerCase() : undefined;
    if (name && MODELLED_HEADERS[name]) headers[name] = MODELLED_HEADERS[name];
  }
  return headers;
}

/** Gives an error the form of its service. The message is `exceptionMessage` in Real-Time and `message` in Chat. */
export function wireError(error: ServiceError, shapes: ModelData['shapes']): WireError {
  const shape = shapes[error.name];
  const headers = { 'x-amzn-errortype': error.name, ...modelledHeaders(shapes, error.name) };
  if (!shape?.exception) return { status: error.status, headers, body: { message: error.message } };
  const body: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    if (member.location === 'header') continue;
    if (name === 'message' || name === 'exceptionMessage') body[name] = error.message;
    else if (error.details[name] !== undefined) body[name] = error.details[name];
  }
  return { status: shape.error?.httpStatusCode ?? error.status, headers, body };
}
