import fc, { type Arbitrary } from 'fast-check';
import type { MemberData, ModelData, ShapeData } from '../../src/wire/model-data.ts';
import { IGNORED_PATTERNS } from '../../src/wire/quirks.ts';

/**
 * A value for a shape, and whether it breaks the model. A value that fits the model can still be refused for other
 * reasons.
 */
export interface Fuzzed {
  value: unknown;
  broken: boolean;
}

const fine = (value: unknown): Fuzzed => ({ value, broken: false });
const broken = (value: unknown): Fuzzed => ({ value, broken: true });

/** How many values fit the model for each one that does not. */
const MOSTLY_FINE = 12;

/**
 * Makes inputs from a model. Most fit the model, and some break it. It does not use the emulator's own checks.
 */
export class InputMaker {
  readonly #shapes: ModelData['shapes'];
  /** Values of existing resources. Random values would never name one. */
  readonly #known: Record<string, string[]>;
  readonly #made = new Map<string, Arbitrary<Fuzzed>>();

  constructor(shapes: ModelData['shapes'], known: Record<string, string[]>) {
    this.#shapes = shapes;
    this.#known = known;
  }

  of(name: string): Arbitrary<Fuzzed> {
    const made = this.#made.get(name);
    if (made) return made;
    const shape = this.#shapes[name];
    if (!shape) throw new Error(`the model has no shape ${name}`);
    const arbitrary = this.#make(name, shape);
    this.#made.set(name, arbitrary);
    return arbitrary;
  }

  #make(name: string, shape: ShapeData): Arbitrary<Fuzzed> {
    switch (shape.type) {
      case 'structure':
        return this.#structure(shape);
      case 'list':
        return this.#list(shape);
      case 'map':
        return this.#map(shape);
      case 'string':
        return this.#string(name, shape);
      case 'boolean':
        return mostly(fc.boolean().map(fine), wrongType(['boolean']));
      case 'integer':
      case 'float':
        return number(shape);
      default:
        throw new Error(`there is no generator for the type ${shape.type}`);
    }
  }

  #structure(shape: ShapeData): Arbitrary<Fuzzed> {
    const members = Object.entries(shape.members ?? {}).filter(([, member]) => member.location === undefined);
    const fields = Object.fromEntries(
      members.map(([name, member]) => [name, this.#member(member, shape.required?.includes(name) ?? false)]),
    );
    const whole = fc.record(fields).map((given): Fuzzed => {
      const present = Object.entries(given).filter(([, field]) => field !== undefined) as [string, Fuzzed][];
      const missing = shape.required?.some(
        (name) => fields[name] && !present.some(([key, field]) => key === name && field.value !== null),
      );
      const count = present.filter(([, field]) => field.value !== null).length;
      return {
        value: Object.fromEntries(present.map(([key, field]) => [key, field.value])),
        broken: Boolean(missing) || present.some(([, field]) => field.broken) || (shape.union === true && count !== 1),
      };
    });
    return mostly(whole, wrongType(['object']));
  }

  /** A member that is present, absent or null. A member that is null counts as absent. */
  #member(member: MemberData, required: boolean): Arbitrary<Fuzzed | undefined> {
    const absent = fc.constantFrom(undefined, fine(null));
    return fc.oneof(
      { weight: required ? 40 : 4, arbitrary: this.of(member.shape) },
      { weight: required ? 1 : 4, arbitrary: absent },
    );
  }

  #list(shape: ShapeData): Arbitrary<Fuzzed> {
    const { min = 0, max = 5 } = shape;
    const items = fc.array(this.of(shape.member?.shape ?? ''), { minLength: min, maxLength: Math.min(max, 5) });
    const right = items.map((list) => ({
      value: list.map(({ value }) => value),
      broken: list.some((item) => item.broken || item.value === null),
    }));
    const tooLong = items.map(() => broken(Array.from({ length: (shape.max ?? 0) + 1 }, () => 'x')));
    return mostly(right, wrongType(['array']), ...(shape.max === undefined ? [] : [tooLong]));
  }

  #map(shape: ShapeData): Arbitrary<Fuzzed> {
    const keys = fc.constantFrom('a', 'key', '__proto__', 'constructor', 'ключ', '👍');
    const entries = fc.uniqueArray(fc.tuple(keys, this.of(shape.value?.shape ?? '')), { selector: ([key]) => key });
    const right = entries.map((list) => ({
      value: Object.fromEntries(list.map(([key, { value }]) => [key, value])),
      broken: list.some(([, item]) => item.broken),
    }));
    const fiftyOne = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`key-${index}`, 'x']));
    return mostly(right, wrongType(['object']), ...(shape.max === 50 ? [fc.constant(broken(fiftyOne))] : []));
  }

  #string(name: string, shape: ShapeData): Arbitrary<Fuzzed> {
    const { min = 0, max } = shape;
    const wrong = [wrongType(['string'])];
    if (max !== undefined) wrong.push(fc.constantFrom(broken('x'.repeat(max + 1)), broken('👍'.repeat(max + 1))));
    if (min > 0) wrong.push(fc.constant(broken('')));
    if (shape.enum) {
      wrong.push(fc.constantFrom(broken('OTHER'), broken(''), broken('toString')));
      return mostly(fc.constantFrom(...shape.enum).map(fine), ...wrong);
    }
    const known = this.#known[name] ?? [];
    if (shape.pattern && !IGNORED_PATTERNS.has(name)) {
      wrong.push(fc.constantFrom(broken('  '), broken('\u0000'), broken('ü/ü')));
    }
    if (known.length > 0) return mostly(fc.constantFrom(...known).map(fine), ...wrong);
    if (shape.pattern && min === 0) return mostly(fc.constantFrom('', 'a', 'x1-'.repeat(5)).map(fine), ...wrong);
    if (shape.pattern) throw new Error(`add known values for the shape ${name}, whose pattern is ${shape.pattern}`);
    const atLimit = max === undefined ? [] : ['👍'.repeat(max), 'x'.repeat(max)];
    const texts = fc.oneof(
      fc.string({ minLength: min, maxLength: Math.min(max ?? 50, 50) }),
      fc.constantFrom('a', ...atLimit),
    );
    return mostly(texts.map(fine), ...wrong);
  }
}

function mostly(right: Arbitrary<Fuzzed>, ...wrong: Arbitrary<Fuzzed>[]): Arbitrary<Fuzzed> {
  return fc.oneof({ weight: MOSTLY_FINE, arbitrary: right }, { weight: 1, arbitrary: fc.oneof(...wrong) });
}

function number(shape: ShapeData): Arbitrary<Fuzzed> {
  const { min = -1000, max = 1000 } = shape;
  const wrong = [fc.constantFrom(broken(0.5 + max), broken('1'), broken([1]))];
  if (shape.min !== undefined) wrong.push(fc.constantFrom(broken(shape.min - 1), broken(-(2 ** 53))));
  if (shape.max !== undefined) wrong.push(fc.constantFrom(broken(shape.max + 1), broken(1e300)));
  return mostly(fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max)).map(fine), ...wrong);
}

type JsonType = 'string' | 'number' | 'boolean' | 'array' | 'object';

function wrongType(right: JsonType[]): Arbitrary<Fuzzed> {
  const all: [JsonType, unknown][] = [
    ['string', 'text'],
    ['number', 7],
    ['boolean', true],
    ['array', [[]]],
    ['object', { a: { b: {} } }],
  ];
  const values = all.filter(([type]) => !right.includes(type)).map(([, value]) => broken(value));
  return fc.constantFrom(...values);
}
