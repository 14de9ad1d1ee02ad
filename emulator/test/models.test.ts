import { readFileSync } from 'node:fs';
import { generateTypes } from '../scripts/types-of-model.ts';
import { readModel } from './support/models.ts';

it.each([
  ['ivs-realtime', 'realtime'],
  ['ivschat', 'chat'],
])('the types of %s are those its model gives', (model, folder) => {
  const types = readFileSync(new URL(`../src/${folder}/types.ts`, import.meta.url), 'utf8');
  expect(types).toBe(generateTypes(readModel(model), model));
});

it.each(['ivs-realtime', 'ivschat'])('%s carries shapes and limits, and none of its owner’s prose', (model) => {
  expect(JSON.stringify(readModel(model))).not.toMatch(/"documentation"|<p>/);
});
