import { readFileSync } from 'node:fs';
import type { ModelData } from '../../src/wire/model-data.ts';

/** A model as the package carries it. */
export function readModel(name: string): ModelData {
  return JSON.parse(readFileSync(new URL(`../../models/${name}.json`, import.meta.url), 'utf8')) as ModelData;
}
