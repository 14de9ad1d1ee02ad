import { readFileSync } from 'node:fs';
import type { MemberData, ModelData, OperationData } from './model-data.ts';
import { modelledHeaders, ServiceError, validationError } from './service-error.ts';
import { compileShapes, type Problem, type Reader } from './shapes.ts';

/** The SigV4 service names of the two services (service model: `signingName`). */
export type ServiceName = 'ivs' | 'ivschat';

/** One operation of a service model, compiled for routing and validation. */
export interface OperationModel {
  name: string;
  service: ServiceModel;
  status: number;
  hasOutput: boolean;
  /** The response headers that the model lists as members of the output. */
  headers: Record<string, string>;
  /** The names of the errors that the model lists for this operation. */
  errors: ReadonlySet<string>;
  /**
   * Reads the input of the operation from a request.
   *
   * @throws ServiceError (ValidationException) when the input breaks the model.
   */
  readInput(request: WireRequest): Record<string, unknown>;
  /** Lists how an output breaks the model. Only tests use it. */
  outputProblems(output: unknown): Problem[];
}

export interface ServiceModel {
  name: ServiceName;
  shapes: ModelData['shapes'];
  operations: ReadonlyMap<string, OperationModel>;
}

/** The parts of a request that hold input: the body, the label in the path, and the query. */
export interface WireRequest {
  body: Buffer;
  label: string | undefined;
  /** Without the question mark. */
  query: string;
}

/** Loads and compiles the model in `models/<file>.json`. */
export function loadModel(file: string): ServiceModel {
  const data = JSON.parse(readFileSync(new URL(`../../models/${file}.json`, import.meta.url), 'utf8')) as ModelData;
  const readerOf = compileShapes(data.shapes);
  const operations = new Map<string, OperationModel>();
  const service: ServiceModel = { name: data.metadata.signingName as ServiceName, shapes: data.shapes, operations };
  for (const operation of Object.values(data.operations)) {
    operations.set(operation.name, compileOperation(service, operation, readerOf));
  }
  return service;
}

function compileOperation(
  service: ServiceModel,
  operation: OperationData,
  readerOf: (name: string) => Reader,
): OperationModel {
  const input = operation.input?.shape;
  const output = operation.output?.shape;
  const members = input === undefined ? {} : (service.shapes[input]?.members ?? {});
  const bound = Object.entries(members).filter(([, member]) => member.location);
  return {
    name: operation.name,
    service,
    status: operation.http.responseCode,
    hasOutput: output !== undefined,
    headers: modelledHeaders(service.shapes, output),
    errors: new Set(operation.errors?.map((error) => error.shape)),
    readInput(request) {
      if (!input) return {};
      const problems: Problem[] = [];
      const value = readerOf(input)(joinInput(bound, request), '', problems);
      if (problems.length > 0) throw validationError(problems);
      return value as Record<string, unknown>;
    },
    outputProblems(value) {
      const problems: Problem[] = [];
      if (output) readerOf(output)(value, '', problems);
      return problems;
    },
  };
}

/** Joins body, path label and query into one object. The input shape says where each member comes from (restJson1). */
function joinInput(bound: readonly [string, MemberData][], request: WireRequest): unknown {
  const body = parseBody(request.body);
  if (bound.length === 0 || typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const joined: Record<string, unknown> = { ...body };
  const query = new URLSearchParams(request.query);
  for (const [name, member] of bound) {
    if (member.location === 'uri') {
      joined[name] = request.label;
    } else {
      const values = query.getAll(member.locationName ?? name);
      joined[name] = values.length > 0 ? values : undefined;
    }
  }
  return joined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    throw new ServiceError('ValidationException', 'the body must be JSON in UTF-8', { reason: 'OTHER' });
  }
}
