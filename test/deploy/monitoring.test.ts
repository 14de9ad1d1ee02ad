/** Alerts, their pages and the dashboard: each can be read, and rests on metrics that the service has. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { readPromql } from '../support/promql.ts';
import { withoutDatabase } from '../support/without-database.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}
interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { h: number; w: number; x: number; y: number };
  fieldConfig?: { defaults: { unit: string } };
  targets?: { refId: string; expr: string; legendFormat: string }[];
}

const rulesFile = 'deploy/prometheus/stagedoor.rules.yaml';
const rules = (load(read(rulesFile)) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/grafana/stagedoor.json')) as { panels: Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const pages = globSync('docs/operations/runbook/*.md', { cwd: root }).map((file) => file.split(path.sep).join('/'));
const watch = read('docs/operations/watch.md');

/** Grafana puts a length of time in the place of its variable. */
const expressionsOf = ({ targets = [] }: Panel) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m'));

const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap((panel) => expressionsOf(panel).map((expr) => [panel.title, expr] as const)),
];

/** What `GET /metrics` prints: with a queue of events, so that the metric of that is there too. */
let printed: string;
/** The type of each metric that is printed. */
let types: Map<string, string>;
let app: NestFastifyApplication;

beforeAll(async () => {
  const queue = 'http://127.0.0.1:1/123456789012/ivs-events';
  app = await withoutDatabase({ METRICS_PUBLIC: 'true', IVS_EVENTS_QUEUE_URL: queue });
  const answer = await app.inject({ url: '/metrics' });
  expect(answer.statusCode).toBe(200);
  printed = answer.payload;
  types = new Map([...printed.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
});
afterAll(async () => {
  await app?.close();
});

/** The metric that a series belongs to, if the service has it. `up` is made by Prometheus. */
function metricOf(series: string): string | undefined {
  if (types.has(series) && types.get(series) !== 'histogram') return series;
  const base = series.replace(/_(bucket|sum|count)$/, '');
  return base !== series && types.get(base) === 'histogram' ? base : undefined;
}

/** The labels of a metric, and those that Prometheus adds to each. */
function labelsOf(series: string): string[] {
  const metric = app.get(Metrics).registry.getSingleMetric(metricOf(series) ?? '') as
    | { labelNames?: string[] }
    | undefined;
  return [...(metric?.labelNames ?? []), 'job', 'instance', ...(series.endsWith('_bucket') ? ['le'] : [])];
}

test.each(expressions)('%s asks for metrics and labels that there are', (_name, expr) => {
  const { selectors, grouping } = readPromql(expr);
  expect(selectors.length).toBeGreaterThan(0);
  const own = selectors.filter(({ series }) => series !== 'up');
  expect(own.filter(({ series }) => metricOf(series) === undefined)).toEqual([]);
  expect(own.flatMap(({ series, labels }) => labels.filter((label) => !labelsOf(series).includes(label)))).toEqual([]);
  const known = new Set(own.flatMap(({ series }) => labelsOf(series)));
  expect(grouping.filter((label) => !known.has(label))).toEqual([]);
});

test('what is no PromQL is noticed', () => {
  expect(() => readPromql('sum(rate(stagedoor_vends_total[5m]) > 0')).toThrow('no PromQL');
  expect(() => readPromql('max(stagedoor_vends_total{kind=})')).toThrow('no PromQL');
});

test('each alert says how severe it is, what is wrong, and where its page is', () => {
  expect(rules.length).toBeGreaterThan(20);
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations, ...rule } of rules) {
    const page = alert
      .replace('Stagedoor', '')
      .replaceAll(/(?<!^)[A-Z]/g, '-$&')
      .toLowerCase();
    expect(annotations).toEqual({
      summary: expect.stringMatching(/\S/),
      description: expect.stringMatching(/\.$/),
      runbook_url: `https://github.com/stagedoor/stagedoor/blob/main/docs/operations/runbook/${page}.md`,
    });
    expect(['critical', 'warning', 'info']).toContain(labels.severity);
    expect(rule.for ?? '0s').toMatch(/^\d+[smh]$/);
    expect(watch).toMatch(
      new RegExp(`^\\| \\[${alert}\\]\\(runbook/${page}\\.md\\) +\\| ${labels.severity} +\\| \\S`, 'm'),
    );
  }
});

test('each alert has a page, and each page an alert', () => {
  const named = rules.map(({ annotations }) => annotations.runbook_url.split('/blob/main/')[1] ?? '');
  expect([...pages].sort()).toEqual(named.sort());
});

test.each(pages)('%s has the five answers, and names metrics, requests and work that there are', async (page) => {
  const text = read(page);
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([
    rules.find(({ annotations }) => annotations.runbook_url.endsWith(page))?.alert,
    'What it means',
    'What users feel',
    'How to find the cause',
    'What to do',
    'How to see that it is over',
  ]);
  const openapi = JSON.parse(read('openapi.json')) as { paths: Record<string, Record<string, unknown>> };
  const routes = new Set(
    Object.entries(openapi.paths).flatMap(([url, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${url}`),
    ),
  );
  const requests = [...text.matchAll(/`([A-Z]+ \/[^`?]*)(?:\?[^`]*)?`/g)].map(([, request = '']) => request);
  expect(requests.filter((request) => !routes.has(request))).toEqual([]);
  expect(missingIn(text)).toEqual([]);
  const works = [...text.matchAll(/work="(\w+)"/g)].map(([found]) => found);
  expect(works.filter((work) => !printed.includes(work))).toEqual([]);
});

/** The metrics that a text names, and that the service does not have. */
function missingIn(text: string): string[] {
  const named = [...text.matchAll(/`[^`]*`/g)].flatMap(
    ([code]) => code.match(/\b(stagedoor|nodejs|process)_\w+/g) ?? [],
  );
  return named.filter((name) => !types.has(name) && metricOf(name) === undefined && !isAbbreviated(name));
}

/** `nodejs_…` stands for all of them. */
const isAbbreviated = (name: string) => name === 'nodejs_' || name === 'process_';

test('the page about watching explains each metric of the service, and no other', () => {
  expect(missingIn(watch)).toEqual([]);
  const own = [...types.keys()].filter((name) => name.startsWith('stagedoor_'));
  expect(own.length).toBeGreaterThan(30);
  expect(own.filter((name) => !watch.includes(`\`${name}\``))).toEqual([]);
});

test('each kind of background work tells how long it rests, because its alert goes by that', () => {
  const worksOf = (metric: string) => [...printed.matchAll(new RegExp(`^${metric}\\{work="(\\w+)"\\} [\\d.]+$`, 'gm'))];
  const rests = worksOf('stagedoor_background_run_interval_seconds').map(([, work]) => work);
  expect(rests).toContain('Delivery');
  expect(worksOf('stagedoor_background_run_age_seconds').map(([, work]) => work)).toEqual(rests);
});

test('the metrics are named as Prometheus asks', () => {
  const own = [...types].filter(([name]) => name.startsWith('stagedoor_'));
  const wrong = own.filter(
    ([name, type]) =>
      name.endsWith('_total') !== (type === 'counter') ||
      /_(count|sum|bucket|gauge|counter|histogram|summary)$/.test(name) ||
      /_(ms|millis\w*|micros\w*|nanos\w*|sec|minutes?|hours?|days?|percent\w*|kilobytes?|megabytes?)(_|$)/.test(name) ||
      !/^[a-z_]+$/.test(name),
  );
  expect(wrong).toEqual([]);
  expect(own.filter(([name]) => !new RegExp(`^# HELP ${name} .+\\.$`, 'm').test(printed))).toEqual([]);
});

test('the panels of the dashboard have titles, words, units and places of their own', () => {
  expect(panels.length).toBeGreaterThan(20);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  expect(new Set(dashboard.panels.map(({ title }) => title)).size).toBe(dashboard.panels.length);
  const taken = new Set<string>();
  for (const { description = '', fieldConfig, gridPos, targets = [] } of panels) {
    expect(description).toMatch(/\.$/);
    expect(fieldConfig?.defaults.unit).toMatch(/^\w+$/);
    expect(targets.length).toBeGreaterThan(0);
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken).not.toContain(`${x} ${y}`);
        taken.add(`${x} ${y}`);
      }
  }
});

test('the port that is open to the world serves no metrics, unless METRICS_PUBLIC says so', async () => {
  const careful = await withoutDatabase();
  const { statusCode, payload } = await careful.inject({ url: '/metrics' });
  await careful.close();
  expect([statusCode, payload]).toEqual([404, expect.stringContaining('METRICS_PORT')]);
  expect(payload).not.toContain('stagedoor_');
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

// CI has it: there it must not be skipped.
(hasPromtool || process.env['CI'] === 'true' ? describe : describe.skip)(
  'promtool, of the Debian package prometheus,',
  () => {
    test('finds no fault in the rules', () => {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', path.join(root, rulesFile)]);
      expect([status, String(stdout) + String(stderr)]).toEqual([
        0,
        expect.stringContaining(`${rules.length} rules found`),
      ]);
    });

    test('sees them fire when they should, and not before', () => {
      const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'test/deploy/alerts.yaml'], {
        cwd: root,
      });
      expect([status, String(stdout) + String(stderr)]).toEqual([0, expect.stringContaining('SUCCESS')]);
    });

    test('finds no fault in the names of the metrics', () => {
      const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: printed });
      const said = `${String(stdout)}${String(stderr)}`.split('\n');
      expect(said.filter((line) => line.startsWith('stagedoor_'))).toEqual([]);
    });
  },
);
