import { readModel } from './support/models.ts';

it.each(['ivs-realtime', 'ivschat'])('%s carries shapes and limits, and none of its owner’s prose', (model) => {
  expect(JSON.stringify(readModel(model))).not.toMatch(/"documentation"|<p>/);
});
