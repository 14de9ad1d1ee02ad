/**
 * Writes the TypeScript types of both service models. The compiler then checks each handler against the model.
 *
 *   node emulator/scripts/generate-types.ts     (the npm scripts run it when a model has changed)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { generateTypes } from './types-of-model.ts';

for (const [model, folder] of [
  ['ivs-realtime', 'realtime'],
  ['ivschat', 'chat'],
] as const) {
  const source = readFileSync(new URL(`../models/${model}.json`, import.meta.url), 'utf8');
  writeFileSync(new URL(`../src/${folder}/types.ts`, import.meta.url), generateTypes(JSON.parse(source), model));
}
