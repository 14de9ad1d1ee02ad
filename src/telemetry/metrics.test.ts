import { Gauge } from 'prom-client';
import { until } from '../../test/support/until.ts';
import { Metrics } from './metrics.ts';

it('the metrics are collected once in a second at most, and never twice at a time', async () => {
  const metrics = new Metrics();
  let collected = 0;
  let running = 0;
  let release: (() => void) | undefined;
  const gauge = new Gauge({
    name: 'test_collected',
    help: 'How often it was collected.',
    registers: [],
    async collect() {
      expect(++running).toBe(1);
      this.set(++collected);
      if (collected === 1) await new Promise<void>((resolve) => (release = resolve));
      running--;
    },
  });
  metrics.registry.registerMetric(gauge);
  const began = performance.now();
  const many = Array.from({ length: 50 }, () => metrics.text());
  await until(() => Promise.resolve(release !== undefined), 'the first collection runs');
  many.push(metrics.text());
  release?.();
  for (const text of await Promise.all(many)) expect(text).toContain('test_collected 1\n');
  expect(collected).toBe(1);
  await until(async () => (await metrics.text()).includes('test_collected 3\n'), 'the metrics are collected again');
  expect(collected).toBeLessThanOrEqual(1 + (performance.now() - began) / 1_000);
});
