/** The manifests for Kubernetes: their types are those of the API, and their numbers and names those of the service. */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { load, loadAll } from 'js-yaml';
import ts from 'typescript';
import { Settings } from '../../src/config.ts';
import type { Json } from '../support/stagedoor.ts';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'deploy/kubernetes');
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');
const object = (file: string) => load(read(file)) as Json;

const deployment = object('base/deployment.yaml');
const job = object('migrate/job.yaml');
const pods: [string, Json][] = [
  ['the replicas', deployment['spec'].template],
  ['the migration', job['spec'].template],
];
const container = ({ spec }: Json) => spec.containers[0] as Json;
/** Settings that are no secrets, as the base and the example set them. */
const settingsOf = (file: string): Record<string, string> =>
  Object.fromEntries((object(file)['configMapGenerator'][0].literals as string[]).map((line) => line.split(/=(.*)/s)));

/** The types of each kind that stands here. */
const modules: Record<string, string> = {
  v1: 'core/v1',
  'apps/v1': 'apps/v1',
  'batch/v1': 'batch/v1',
  'policy/v1': 'policy/v1',
  'networking.k8s.io/v1': 'networking/v1',
};

/** Faults of objects by the types of Kubernetes: unknown, missing and mistyped fields. */
function faultsOf(objects: Json[]): string[] {
  const file = path.join(root, 'test/deploy/objects-of-kubernetes.ts');
  const text = objects
    .map(({ apiVersion, kind, ...rest }, at) => {
      const types = modules[apiVersion];
      if (types === undefined) return `export const o${at}: never = ${JSON.stringify(`${apiVersion} ${kind}`)};`;
      const type = `import('kubernetes-types/${types}').${kind}`;
      return `export const o${at}: ${type} = ${JSON.stringify({ apiVersion, kind, ...rest })};`;
    })
    .join('\n');
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    lib: ['lib.es5.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, language) =>
    name === file ? ts.createSourceFile(name, text, language) : getSourceFile(name, language);
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const files = globSync('{base,migrate}/*.yaml', { cwd: folder }).filter((file) => !file.endsWith('kustomization.yaml'));

test('each object has the fields of its kind, and no others', () => {
  expect(files.length).toBeGreaterThan(5);
  expect(faultsOf(files.map(object))).toEqual([]);
});

test('a field that Kubernetes does not know, one of the wrong type and one that is missing are noticed', () => {
  const wrong = [deployment, deployment, job].map((one) => structuredClone(one)) as [Json, Json, Json];
  wrong[0]['spec'].template.spec.containers[0].readinesProbe = {};
  wrong[1]['spec'].replicas = '3';
  delete wrong[2]['spec'].template.spec.containers[0].name;
  expect(faultsOf(wrong)).toEqual([
    expect.stringContaining('"readinesProbe"'),
    expect.stringContaining("'string' is not assignable to type 'number'"),
    expect.stringContaining("'name' is missing"),
  ]);
});

test('a stop may take as long as it takes', () => {
  const drain = Number(settingsOf('base/kustomization.yaml')['SHUTDOWN_DRAIN_SECONDS']);
  const { terminationGracePeriodSeconds: grace } = deployment['spec'].template.spec;
  // docs/operations.md: a stop takes SHUTDOWN_DRAIN_SECONDS + 20 s at most.
  expect(grace).toBeGreaterThan(drain + 20);
  expect(deployment['spec'].strategy.rollingUpdate.maxUnavailable).toBe(0);
});

test('the checks ask routes that there are, and a restart follows only from one that does not ask the database', () => {
  const { paths } = JSON.parse(readFileSync(path.join(root, 'openapi.json'), 'utf8')) as { paths: Json };
  const { startupProbe, livenessProbe, readinessProbe } = container(deployment['spec'].template);
  const asked = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path as string);
  expect(asked).toEqual(['/health/live', '/health/live', '/health/ready']);
  expect(asked.filter((url) => !(url in paths))).toEqual([]);
  // A replica that is told to stop must be out before it stops to serve.
  const { periodSeconds, timeoutSeconds, failureThreshold } = readinessProbe;
  const drain = Number(settingsOf('base/kustomization.yaml')['SHUTDOWN_DRAIN_SECONDS']);
  expect((periodSeconds + timeoutSeconds) * failureThreshold).toBeLessThan(drain);
});

test.each(pods)('%s run without rights, and write to no file of the image', (_what, { spec }) => {
  expect(spec.securityContext).toMatchObject({
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  expect(spec.automountServiceAccountToken).toBe(false);
  const { securityContext, resources } = container({ spec });
  expect(securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(resources).toMatchObject({ requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } });
});

test('what is set are settings of the service, and it starts with them', () => {
  const base = settingsOf('base/kustomization.yaml');
  const example = settingsOf('example/service/kustomization.yaml');
  const secrets = (container(deployment['spec'].template)['env'] as Json[]).map(({ name }) => name as string);
  const values: Record<string, string> = {
    DATABASE_URL: 'postgresql://a@b/c',
    STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
    STAGEDOOR_MASTER_KEY: Buffer.from('stagedoor master key of the test').toString('base64'),
    IVS_EVENTS_SECRET: 'example-ingest-secret-change-me-0123456',
  };
  expect(secrets.sort()).toEqual(Object.keys(values).sort());
  const names = [...Object.keys(base), ...Object.keys(example), ...secrets];
  expect(names.filter((name) => !Settings.variables.includes(name))).toEqual([]);
  // The replicas must not get the role that owns the tables.
  expect(names).not.toContain('DATABASE_OWNER_URL');
  const settings = Settings.from({ ...base, ...example, ...values });
  const ports = container(deployment['spec'].template)['ports'] as Json[];
  expect(ports.map(({ name, containerPort }) => [name, containerPort])).toEqual([
    ['http', settings.port],
    ['metrics', settings.metricsPort],
  ]);
});

test('every selector finds the replicas, and only them', () => {
  const { labels } = deployment['spec'].template.metadata;
  const selectors = [
    deployment['spec'].selector.matchLabels,
    object('base/service.yaml')['spec'].selector,
    object('base/disruption-budget.yaml')['spec'].selector.matchLabels,
    object('base/network-policy.yaml')['spec'].podSelector.matchLabels,
    ...(deployment['spec'].template.spec.topologySpreadConstraints as Json[]).map(
      ({ labelSelector }) => labelSelector.matchLabels,
    ),
  ];
  expect(selectors).toEqual(selectors.map(() => labels));
  expect(job['spec'].template.metadata.labels).not.toEqual(labels);
  const monitor = object('prometheus-operator/pod-monitor.yaml')['spec'];
  expect(monitor.selector.matchLabels).toMatchObject(labels);
  expect(monitor.podMetricsEndpoints[0].port).toBe('metrics');
});

test('the migration is the one of the image', () => {
  const { command, env } = container(job['spec'].template);
  expect(readFileSync(path.join(root, 'Dockerfile'), 'utf8')).toContain((command as string[]).join(' '));
  expect((env as Json[]).map(({ name }) => name as string)).toEqual(['DATABASE_OWNER_URL']);
});

test('each kustomization names files and folders that there are, and the base leaves none out', () => {
  for (const file of globSync('**/kustomization.yaml', { cwd: folder })) {
    const { resources = [], components = [] } = object(file);
    const here = path.dirname(file);
    for (const name of [...resources, ...components] as string[]) {
      const target = path.join(here, name);
      expect(() => read(name.endsWith('.yaml') ? target : path.join(target, 'kustomization.yaml'))).not.toThrow();
    }
    const beside = globSync('*.yaml', { cwd: path.join(folder, here) }).filter((name) => name !== 'kustomization.yaml');
    expect(beside.filter((name) => !resources.includes(name))).toEqual([]);
  }
});

test('the operator of Prometheus gets the alerts of the file for Prometheus', () => {
  const { spec } = object('prometheus-operator/rules.yaml');
  expect(spec).toEqual(load(readFileSync(path.join(root, 'deploy/prometheus/stagedoor.rules.yaml'), 'utf8')));
});

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

(hasKubectl ? describe : describe.skip)('rendered by kubectl', () => {
  const rendered = (name: string): Json[] => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', path.join(folder, name)]);
    expect([status, String(stderr)]).toEqual([0, '']);
    return loadAll(String(stdout)) as Json[];
  };

  test.each(['base', 'migrate', 'example/migrate', 'example/service'])('%s is whole', (name) => {
    const objects = rendered(name);
    expect(faultsOf(objects.filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.')))).toEqual([]);
    if (name.startsWith('example'))
      expect(objects.map(({ metadata }) => metadata.namespace as string)).not.toContain(undefined);
    for (const { spec, kind } of objects) {
      if (kind !== 'Deployment') continue;
      const made = objects.find((one) => one['kind'] === 'ConfigMap');
      expect(container(spec.template)['envFrom'][0].configMapRef.name).toBe(made?.['metadata'].name);
    }
  });
});
