import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';

/** A JSON Schema, as zod makes it and as the OpenAPI document holds it. */
export type Schema = Record<string, unknown>;
type Components = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** Corrects one JSON Schema that zod made from `zodSchema`. `io` says whether it describes a request or an answer. */
export function describeSchema(json: Schema, zodSchema: z.core.$ZodType, io: 'input' | 'output'): void {
  if (json['format'] === 'date-time') delete json['pattern']; // the format says the same
  if (json['minimum'] === Number.MIN_SAFE_INTEGER) delete json['minimum']; // zod writes this for every integer
  if (json['maximum'] === Number.MAX_SAFE_INTEGER) delete json['maximum'];
  if (isObject(json['propertyNames']) && Object.keys(json['propertyNames']).join() === 'type') {
    delete json['propertyNames']; // it only says that names are text
  }
  // zod leaves out the examples of inputs that it transforms, such as times. Ours are examples of the input.
  const { examples } = z.globalRegistry.get(zodSchema) ?? {};
  if ('$ref' in json) delete json['examples'];
  else if (examples) json['examples'] = examples;
  if (io === 'input') return;
  // Later versions may add fields to answers, so clients must accept unknown fields. An answer has all of its fields.
  if (json['additionalProperties'] === false) delete json['additionalProperties'];
  delete json['default'];
}

/** Completes the components of the document: examples as OpenAPI 3.1 has them, and defaults in words. */
export function describeSchemas(schemas: Components): Components {
  return Object.fromEntries(
    Object.entries(schemas)
      .sort(([one], [other]) => one.localeCompare(other, 'en'))
      .map(([name, schema]) => [name, withDefaultsInWords(withExamples(schema as Schema))]),
  ) as Components;
}

/** Whether a member of a schema with this name is a schema itself, if it is an object. */
function isSchema(key: string): boolean {
  return key === 'items' || key === 'additionalProperties';
}

/** Nest turns `examples` into the `example` of OpenAPI 3.0. This turns it back, in the schema and all schemas inside. */
export function withExamples(schema: Schema): Schema {
  const { example, ...rest } = schema;
  const inside = mapValues(rest, (value, key) => {
    if (key === 'properties' && isObject(value))
      return mapValues(value, (property) => withExamples(property as Schema));
    if (key === 'anyOf' && Array.isArray(value)) return value.map((branch: Schema) => withExamples(branch));
    return isSchema(key) && isObject(value) ? withExamples(value) : value;
  });
  return example === undefined ? inside : { ...inside, examples: [example] };
}

/**
 * Tells the default of each field in its description, and removes the keyword `default`. Generators of clients, such as
 * openapi-typescript, make fields with a `default` required. A caller need not send these fields.
 */
function withDefaultsInWords(schema: Schema): Schema {
  const { properties } = schema;
  if (!isObject(properties)) return schema;
  const described = mapValues(properties, (property) => {
    const { default: value, description = '', ...rest } = property as Schema & { description?: string };
    if (value === undefined) return property;
    return { ...rest, description: `${description} Default: \`${JSON.stringify(value)}\`.`.trim() };
  });
  return { ...schema, properties: described };
}

function mapValues(object: Schema, map: (value: unknown, key: string) => unknown): Schema {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
