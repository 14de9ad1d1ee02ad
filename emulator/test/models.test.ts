import { readModel } from './support/models.ts';

it.each(['ivs-realtime', 'ivschat'])('the model %s contains no documentation text of AWS', (model) => {
  expect(JSON.stringify(readModel(model))).not.toMatch(/"documentation"|<p>/);
});
