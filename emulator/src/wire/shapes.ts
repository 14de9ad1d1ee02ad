import type { MemberData, ModelData, ShapeData } from './model-data.ts';
import { codePoints } from './text.ts';
import { IGNORED_DEFAULTS, IGNORED_PATTERNS, UNANCHORED_PATTERNS } from './quirks.ts';

/** One problem of a value: where it is, and what the value must be. */
export interface Problem {
  path: string;
  message: string;
}

/**
 * Checks a JSON value against a shape. Returns a copy with the members of the shape only, and with defaults filled in.
 * A member that is `null` counts as absent (restJson1). Problems are added to `problems`.
 */
export type Reader = (value: unknown, path: string, problems: Problem[]) => unknown;

/** Returns the reader of a shape by its name. Each reader is compiled at its first use. */
export function compileShapes(shapes: ModelData['shapes']): (name: string) => Reader {
  const compiled = new Map<string, Reader>();
  const readerOf = (name: string): Reader => {
    const known = compiled.get(name);
    if (known) return known;
    const shape = shapes[name];
    if (!shape) throw new Error(`the model has no shape ${name}`);
    const reader = compile(name, shape, readerOf);
    compiled.set(name, reader);
    return reader;
  };
  return readerOf;
}

function compile(name: string, shape: ShapeData, readerOf: (name: string) => Reader): Reader {
  switch (shape.type) {
    case 'structure':
      return structureReader(name, shape, readerOf);
    case 'list':
      return listReader(shape, readerOf);
    case 'map':
      return mapReader(shape, readerOf);
    case 'string':
      return stringReader(name, shape);
    case 'boolean':
      return expecting('a boolean', (value) => typeof value === 'boolean');
    case 'timestamp':
      return expecting('an ISO 8601 time', (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)));
    case 'integer':
      return numberReader(shape, 'a whole number', Number.isInteger);
    case 'float':
      return numberReader(shape, 'a number', Number.isFinite);
    default:
      throw new Error(`the model's shape ${name} has the unknown type ${String(shape.type)}`);
  }
}

function expecting(what: string, test: (value: unknown) => boolean): Reader {
  return (value, path, problems) => {
    if (!test(value)) problems.push({ path, message: `must be ${what}` });
    return value;
  };
}

function numberReader(shape: ShapeData, what: string, test: (value: unknown) => boolean): Reader {
  const { min = -Infinity, max = Infinity } = shape;
  return (value, path, problems) => {
    if (!test(value)) {
      problems.push({ path, message: `must be ${what}` });
    } else if ((value as number) < min || (value as number) > max) {
      problems.push({ path, message: `must be ${range(min, max)}` });
    }
    return value;
  };
}

function stringReader(name: string, shape: ShapeData): Reader {
  const { min = 0, max = Infinity } = shape;
  const allowed = shape.enum && new Set(shape.enum);
  const pattern = patternOf(name, shape);
  return (value, path, problems) => {
    if (typeof value !== 'string') {
      problems.push({ path, message: 'must be a string' });
    } else if (allowed && !allowed.has(value)) {
      problems.push({ path, message: `must be one of ${[...allowed].join(', ')}` });
    } else if (!lengthWithin(value, min, max)) {
      problems.push({ path, message: `must have a length of ${range(min, max)}` });
    } else if (pattern && !pattern.test(value)) {
      problems.push({ path, message: `must match the pattern ${shape.pattern}` });
    }
    return value;
  };
}

function patternOf(name: string, shape: ShapeData): RegExp | undefined {
  if (!shape.pattern || IGNORED_PATTERNS.has(name)) return undefined;
  return new RegExp(UNANCHORED_PATTERNS.has(name) ? shape.pattern : `^(?:${shape.pattern})$`);
}

/**
 * Whether the number of code points of a string is within limits, as Smithy counts. `length` counts UTF-16 units, which
 * are as many or up to twice as many. For most strings `length` alone decides, which is faster.
 */
function lengthWithin(value: string, min: number, max: number): boolean {
  if (value.length < min) return false;
  if (value.length <= max && value.length >= 2 * min) return true;
  const count = codePoints(value, max);
  return count >= min && count <= max;
}

function listReader(shape: ShapeData, readerOf: (name: string) => Reader): Reader {
  const { min = 0, max = Infinity } = shape;
  const itemName = shape.member?.shape ?? '';
  return (value, path, problems) => {
    if (!Array.isArray(value)) {
      problems.push({ path, message: 'must be a list' });
      return value;
    }
    if (value.length < min || value.length > max) {
      problems.push({ path, message: `must have ${range(min, max)} items` });
      return value;
    }
    const readItem = readerOf(itemName);
    return value.map((item, index) => readItem(item, `${path}[${index}]`, problems));
  };
}

function mapReader(shape: ShapeData, readerOf: (name: string) => Reader): Reader {
  const { min = 0, max = Infinity } = shape;
  const keyName = shape.key?.shape ?? '';
  const valueName = shape.value?.shape ?? '';
  return (value, path, problems) => {
    if (!isObject(value)) {
      problems.push({ path, message: 'must be an object' });
      return value;
    }
    const entries = Object.entries(value).filter(([, item]) => item !== null);
    if (entries.length < min || entries.length > max) {
      problems.push({ path, message: `must have ${range(min, max)} entries` });
      return value;
    }
    const readKey = readerOf(keyName);
    const readValue = readerOf(valueName);
    for (const [key, item] of entries) {
      readKey(key, `${path} key`, problems);
      readValue(item, `${path}.${key.slice(0, 128)}`, problems);
    }
    return Object.fromEntries(entries);
  };
}

interface CompiledMember {
  name: string;
  shape: string;
  required: boolean;
  default: unknown;
}

function structureReader(name: string, shape: ShapeData, readerOf: (name: string) => Reader): Reader {
  const members = Object.entries(shape.members ?? {})
    .filter(([, member]) => member.location !== 'header')
    .map(([memberName, member]) => compileMember(name, shape, memberName, member));
  return (value, path, problems) => {
    if (!isObject(value)) {
      problems.push({ path: path || 'body', message: 'must be an object' });
      return value;
    }
    const clean: Record<string, unknown> = {};
    for (const member of members) {
      const given = Object.hasOwn(value, member.name) ? value[member.name] : undefined;
      const memberPath = path ? `${path}.${member.name}` : member.name;
      if (given !== undefined && given !== null) {
        clean[member.name] = readerOf(member.shape)(given, memberPath, problems);
      } else if (member.required) {
        problems.push({ path: memberPath, message: 'is required' });
      } else if (member.default !== undefined) {
        clean[member.name] = member.default;
      }
    }
    if (shape.union && Object.keys(clean).length !== 1) {
      problems.push({ path, message: `must have exactly one of ${members.map((member) => member.name).join(', ')}` });
    }
    return clean;
  };
}

function compileMember(structure: string, shape: ShapeData, name: string, member: MemberData): CompiledMember {
  return {
    name,
    shape: member.shape,
    required: shape.required?.includes(name) ?? false,
    default: IGNORED_DEFAULTS.has(`${structure}.${name}`) ? undefined : member.default,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function range(min: number, max: number): string {
  if (min === max) return `exactly ${min}`;
  if (max === Infinity) return `at least ${min}`;
  if (min === -Infinity) return `at most ${max}`;
  return `${min} to ${max}`;
}
