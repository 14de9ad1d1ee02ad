import { CallsInFlight } from './calls-in-flight.ts';

/** Calls that never end. */
function begin(calls: CallsInFlight, count: number, since: number, isUnsteady = false): void {
  for (let n = 0; n < count; n++) calls.add(new Promise(() => undefined), { isUnsteady, since });
}

test('a call takes a place until it has ended', async () => {
  const calls = new CallsInFlight();
  let end = (): void => undefined;
  calls.add(new Promise((resolve) => (end = resolve)), { isUnsteady: true, since: 0 });
  expect(calls.free(0)).toEqual({ limit: 199, unsteady: 99 });
  end();
  await calls.ended();
  expect(calls.free(0)).toEqual({ limit: 200, unsteady: 100 });
});

test('a slow call takes no place, to a bound', () => {
  const calls = new CallsInFlight();
  begin(calls, 200, 0);
  expect(calls.free(400).limit).toBe(0);
  expect(calls.free(600).limit).toBe(200);
  begin(calls, 700, 0);
  expect(calls.free(600).limit).toBe(100);
  begin(calls, 200, 0);
  expect(calls.free(600).limit).toBe(0);
});

test('calls to endpoints whose last attempt failed have half of the places, also if they are slow', () => {
  const calls = new CallsInFlight();
  begin(calls, 101, 0, true);
  expect(calls.free(600)).toEqual({ limit: 200, unsteady: 0 });
});
