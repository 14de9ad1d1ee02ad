import { readFileSync } from 'node:fs';
import type { ModelData } from '../../src/wire/model-data.ts';

/** Reads a service model of the package. */
export function readModel(name: string): ModelData {
  return JSON.parse(readFileSync(new URL(`../../models/${name}.json`, import.meta.url), 'utf8')) as ModelData;
}
