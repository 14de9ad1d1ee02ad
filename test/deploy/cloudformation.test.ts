/** The template for ECS: its properties are those of CloudFormation, and its roles may do what the service does and nothing else. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { Settings } from '../../src/config.ts';
import { samplesOf } from '../docs/samples.ts';
import { faultsOfTemplate, type Template } from '../support/cloudformation.ts';
import type { Json } from '../support/stagedoor.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const template = load(read('deploy/cloudformation/stagedoor.yaml')) as Template;
const propertiesOf = (name: string) => template.Resources[name]?.Properties as Json;

const roles = ['TaskRole', 'ExecutionRole', 'MigrationExecutionRole'];
const [service, migration] = ['TaskDefinition', 'MigrationTaskDefinition'].map(
  (name) => propertiesOf(name)['ContainerDefinitions'][0] as Json,
) as [Json, Json];

/** The statements of a role, of all its policies, with or without a condition. */
function statementsOf(role: string): Json[] {
  const policies = propertiesOf(role)['Policies'] as Json[];
  return policies
    .map((policy) => (policy['Fn::If'] ? (policy['Fn::If'][1] as Json) : policy))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement as Json[]);
}

const actionsOf = (statements: Json[]) => statements.flatMap(({ Action }) => [Action].flat() as string[]);

/** The operations of IVS, S3 and KMS that the service calls, as actions of IAM: each command that a file imports from the SDK. */
function calledActions(): string[] {
  const prefixes: Record<string, string> = {
    'client-ivs-realtime': 'ivs',
    'client-ivschat': 'ivschat',
    'client-s3': 's3',
    'client-kms': 'kms',
  };
  const named: Record<string, string> = { 's3:ListObjectsV2': 's3:ListBucket' };
  const sources = globSync('src/**/*.ts', { cwd: root }).map(read);
  const imports = sources.flatMap((text) => [
    ...text.matchAll(/import (?:type )?\{([^}]+)\} from '@aws-sdk\/([\w-]+)'/g),
  ]);
  const actions = imports.flatMap(([, names = '', client = '']) =>
    [...names.matchAll(/(\w+)Command\b/g)].flatMap(([, name]) =>
      prefixes[client] ? [named[`${prefixes[client]}:${name}`] ?? `${prefixes[client]}:${name}`] : [],
    ),
  );
  return [...new Set(actions)].sort();
}

test('the template has the properties, types and references of CloudFormation', () => {
  expect(Object.keys(template.Resources).length).toBeGreaterThan(8);
  expect(faultsOfTemplate(template)).toEqual([]);
});

test('an unknown property, a missing one, a wrong type and a dead reference are noticed', () => {
  const wrong = structuredClone(template);
  const of = (name: string) => wrong.Resources[name]?.Properties as Json;
  of('Service')['DesiredCounts'] = 1;
  of('TargetGroup')['HealthCheckIntervalSeconds'] = 'often';
  of('TaskDefinition')['ContainerDefinitions'][0].ReadonlyRootFileSystem = true;
  delete of('MigrationTaskDefinition')['ContainerDefinitions'][0].Name;
  of('Service')['Cluster'] = { Ref: 'Clusters' };
  of('TaskDefinition')['TaskRoleArn'] = { 'Fn::GetAtt': ['TaskRole', 'Name'] };
  of('TaskDefinition')['Family'] = { 'Fn::Sub': '${Nothing}-x' };
  expect(faultsOfTemplate(wrong).sort()).toEqual([
    'MigrationTaskDefinition.ContainerDefinitions.0 lacks Name',
    'Service.Cluster refers to Clusters, which is not there',
    'Service.DesiredCounts is unknown',
    'TargetGroup.HealthCheckIntervalSeconds is no integer',
    'TaskDefinition.ContainerDefinitions.0.ReadonlyRootFileSystem is unknown',
    'TaskDefinition.Family refers to Nothing, which is not there',
    'TaskDefinition.TaskRoleArn asks for TaskRole.Name, which is not there',
  ]);
});

test('the service may call what it calls, and nothing else', () => {
  const called = calledActions();
  expect(called.length).toBeGreaterThan(15);
  const creates = globSync('src/ivs/*.ts', { cwd: root }).map(read).join('\n');
  expect(creates).toMatch(/new CreateStageCommand\(\{[^}]*tags/);
  expect(creates).toMatch(/new CreateRoomCommand\(\{[^}]*tags/);
  // What is created with tags needs the right to tag.
  const wanted = [...new Set([...called, 'ivs:TagResource', 'ivschat:TagResource'])].sort();
  const statements = statementsOf('TaskRole');
  const bySdk = statements.filter(({ Action }) => /^(ivs|s3|kms)/.test(String([Action].flat()[0])));
  expect([...new Set(actionsOf(bySdk))].sort()).toEqual(wanted);
  const others = statements.filter((statement) => !bySdk.includes(statement));
  expect(actionsOf(others)).toEqual(['sts:AssumeRole', 'sts:TagSession', 'sqs:ReceiveMessage', 'sqs:DeleteMessage']);
  const ofIvs = bySdk.filter(({ Sid }) => Sid !== undefined);
  const policy = samplesOf('operations/deploy.md').find(({ kind }) => kind === 'json policy');
  const told = (JSON.parse(policy?.text ?? '') as { Statement: Json[] }).Statement;
  expect(ofIvs.map(({ Sid, Action }) => [Sid, Action])).toEqual(told.map(({ Sid, Action }) => [Sid, Action]));
});

test('the service may use the master key for what names a tenant, with the name that the service gives', () => {
  const statement = statementsOf('TaskRole').find((one) => actionsOf([one]).includes('kms:Decrypt'));
  const [, name] = /contextName = '([^']+)'/.exec(read('src/secrets/kms.ts')) ?? [];
  expect(statement).toEqual({
    Effect: 'Allow',
    Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
    Resource: { Ref: 'KmsKeys' },
    Condition: { Null: { [`kms:EncryptionContext:${name}`]: 'false' } },
  });
});

test('no role may do anything to everything, but make and list what has no name yet', () => {
  const statements = [
    ...roles.flatMap(statementsOf),
    ...(propertiesOf('FetchImage')['PolicyDocument'].Statement as Json[]),
  ];
  const everywhere = statements
    .filter(({ Resource }) => Resource === '*')
    .flatMap((statement) => actionsOf([statement]));
  expect(everywhere.sort()).toEqual([
    'ecr:GetAuthorizationToken',
    'ivs:CreateStage',
    'ivs:ListStages',
    'ivs:TagResource',
    'ivschat:CreateRoom',
    'ivschat:ListRooms',
    'ivschat:TagResource',
  ]);
  expect(actionsOf(statements).filter((action) => action.includes('*'))).toEqual([]);
});

test('each task gets the secrets that its role may fetch, and only the migration the owner of the tables', () => {
  for (const [role, { Secrets }] of [
    ['ExecutionRole', service],
    ['MigrationExecutionRole', migration],
  ] as const) {
    const wanted = (Secrets as Json[]).map(({ ValueFrom }) => ValueFrom.Ref as string);
    const allowed = statementsOf(role).flatMap(({ Resource }) => [Resource].flat() as Json[]);
    expect(allowed.map(({ Ref }) => Ref as string).sort()).toEqual(wanted.sort());
  }
  expect((service['Secrets'] as Json[]).map(({ Name }) => Name as string)).not.toContain('DATABASE_OWNER_URL');
  expect((migration['Secrets'] as Json[]).map(({ Name }) => Name as string)).toEqual(['DATABASE_OWNER_URL']);
  const set = [...(service['Secrets'] as Json[]), ...(service['Environment'] as Json[])].map(
    ({ Name }) => Name as string,
  );
  expect(set.filter((name) => !Settings.variables.includes(name))).toEqual([]);
});

test.each([
  ['the service', service],
  ['the migration', migration],
])('%s runs without rights, and writes to no file of the image', (_what, container) => {
  expect(container).toMatchObject({
    User: 'node',
    ReadonlyRootFilesystem: true,
    LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
  });
});

test('a stop may take as long as it takes, and no outage of Postgres ends the tasks', () => {
  const environment = Object.fromEntries((service['Environment'] as Json[]).map(({ Name, Value }) => [Name, Value]));
  expect(service['StopTimeout']).toBeGreaterThan(Number(environment['SHUTDOWN_DRAIN_SECONDS']) + 20);
  expect(propertiesOf('TargetGroup')).toMatchObject({ HealthCheckPath: '/health/live', Port: 3000 });
  expect(propertiesOf('Service')['DeploymentConfiguration'].MinimumHealthyPercent).toBe(100);
  expect(read('Dockerfile')).toContain((migration['Command'] as string[]).join(' '));
});
