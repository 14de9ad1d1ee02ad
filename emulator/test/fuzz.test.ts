import { Agent, request } from 'node:http';
import {
  CreateEncoderConfigurationCommand,
  CreateIngestConfigurationCommand,
  CreateParticipantTokenCommand,
  CreateStageCommand,
  CreateStorageConfigurationCommand,
} from '@aws-sdk/client-ivs-realtime';
import { CreateLoggingConfigurationCommand, CreateRoomCommand } from '@aws-sdk/client-ivschat';
import fc from 'fast-check';
import type { Emulator } from '../src/index.ts';
import { SERVICES } from '../src/operations/services.ts';
import type { ModelData, OperationData } from '../src/wire/model-data.ts';
import { chat, realtime, startEmulator } from './support/clients.ts';
import { InputMaker } from './support/fuzz-input.ts';
import { readModel } from './support/models.ts';
import { newKeyPair } from './support/self-signed.ts';

/** `FUZZ_SEED=… npx jest emulator/test/fuzz` repeats a run. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const CASES = 10_000;

const MODELS = [readModel('ivs-realtime'), readModel('ivschat')];
const agent = new Agent({ keepAlive: true });
let ivs: Emulator;

beforeAll(async () => {
  ivs = await startEmulator({ allowUnsigned: true });
  process.stdout.write(`fuzz: ${CASES} cases, FUZZ_SEED=${SEED}\n`);
});
afterAll(async () => {
  agent.destroy();
  await ivs.stop();
});

interface Answer {
  status: number;
  error: string | undefined;
  body: string;
}

function send(method: string, path: string, body: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${ivs.url}${path}`,
      { method, agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const error = response.headers['x-amzn-errortype'];
          resolve({
            status: response.statusCode ?? 0,
            error: typeof error === 'string' ? error : undefined,
            body: Buffer.concat(chunks).toString(),
          });
        });
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * The ARNs and ids of existing resources, so that calls succeed too, and ARNs of other accounts, Regions and services.
 */
async function knownValues(): Promise<Record<string, string[]>> {
  const [video, messages] = [realtime(ivs, undefined, 'us-east-1'), chat(ivs, undefined, 'us-east-1')];
  const { stage } = await video.send(new CreateStageCommand({}));
  const { participantToken } = await video.send(new CreateParticipantTokenCommand({ stageArn: stage?.arn }));
  const joined = ivs.join(participantToken?.token ?? '');
  const { encoderConfiguration } = await video.send(new CreateEncoderConfigurationCommand({}));
  const { storageConfiguration } = await video.send(
    new CreateStorageConfigurationCommand({ s3: { bucketName: 'main' } }),
  );
  const { ingestConfiguration } = await video.send(new CreateIngestConfigurationCommand({ ingestProtocol: 'RTMPS' }));
  const room = await messages.send(new CreateRoomCommand({}));
  const destinationConfiguration = { s3: { bucketName: 'logs' } };
  const logging = await messages.send(new CreateLoggingConfigurationCommand({ destinationConfiguration }));
  const arns = (type: string, known?: string, service = 'ivs') => [
    ...(known ? [known, known] : []),
    `arn:aws:${service}:us-east-1:111122223333:${type}/AbsentAbsent`,
    `arn:aws:${service}:us-east-1:999988887777:${type}/abcdABCDefgh`,
    `arn:aws:${service}:eu-west-1:111122223333:${type}/abcdABCDefgh`,
  ];
  const stages = arns('stage', stage?.arn);
  const roomArns = arns('room', room.arn, 'ivschat');
  const loggingArns = arns('logging-configuration', logging.arn, 'ivschat');
  const storageArns = arns('storage-configuration', storageConfiguration?.arn);
  const ids = [joined.participantId, 'abcdefghijkl', 'x'.repeat(64)];
  return {
    StageArn: stages,
    IngestConfigurationStageArn: ['', ...stages],
    EncoderConfigurationArn: arns('encoder-configuration', encoderConfiguration?.arn),
    StorageConfigurationArn: storageArns,
    AutoParticipantRecordingStorageConfigurationArn: ['', ...storageArns],
    IngestConfigurationArn: arns('ingest-configuration', ingestConfiguration?.arn),
    PublicKeyArn: arns('public-key'),
    CompositionArn: arns('composition'),
    ChannelArn: arns('channel'),
    PublicKeyMaterial: [newKeyPair().publicKeyMaterial, '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
    StageSessionId: [joined.sessionId, 'st-1CVugbu2cf2n8'],
    ParticipantId: ids,
    ParticipantTokenId: [...ids, 'a_b'],
    CompositionClientToken: ['token-1', 'token-2'],
    S3BucketName: ['recordings'],
    PaginationToken: ['', 'AAAA', Buffer.from('["x",-1,"y"]').toString('base64url')],
    RoomIdentifier: roomArns,
    LoggingConfigurationIdentifier: loggingArns,
    LambdaArn: ['', 'arn:aws:lambda:us-east-1:111122223333:function:review'],
    MessageID: ['abcdefghijkl'],
    BucketName: ['logs'],
    LogGroupName: ['/ivs/chat'],
    DeliveryStreamName: ['logs'],
    ResourceArn: [...stages, ...roomArns],
  };
}

function expectModelled(answer: Answer, operation: OperationData, model: ModelData): void {
  if (answer.status < 300) return;
  const names = operation.errors?.map(({ shape }) => shape) ?? [];
  expect(names).toContain(answer.error);
  expect(answer.status).toBe(model.shapes[answer.error ?? '']?.error?.httpStatusCode);
  expect(answer.status).toBeLessThan(500);
  expect(Object.values(JSON.parse(answer.body))).not.toHaveLength(0);
}

it('every answer is a success or an error that the model lists, and every input that breaks the model is refused', async () => {
  const known = await knownValues();
  const cases = MODELS.flatMap((model) => {
    const maker = new InputMaker(model.shapes, known);
    return Object.values(model.operations).map((operation) => ({ model, operation, maker }));
  });
  const anyCase = fc.constantFrom(...cases).chain(({ model, operation, maker }) =>
    fc.record({
      model: fc.constant(model),
      operation: fc.constant(operation),
      arn: fc.constantFrom(...(known['ResourceArn'] ?? []), 'nonsense', '%'),
      input: maker.of(operation.input?.shape ?? ''),
    }),
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ model, operation, arn, input }) => {
      const { method, requestUri } = operation.http;
      const path = requestUri.replace('{resourceArn}', encodeURIComponent(arn));
      const query = operation.name === 'UntagResource' ? '?tagKeys=a' : '';
      const answer = await send(method, path + query, method === 'POST' ? JSON.stringify(input.value) : '');
      expectModelled(answer, operation, model);
      if (method !== 'POST' || !input.broken) return;
      refused += 1;
      expect(answer.error).toBe('ValidationException');
    }),
    { numRuns: CASES, seed: SEED },
  );
  expect(refused).toBeGreaterThan(CASES / 20);
});

it.each([
  ['an empty body', ''],
  ['a text that is not JSON', '{"stageArn":'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ['a list', '[]'],
  ['null', 'null'],
  ['30,000 lists in each other', `{"stageArn":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  ['a megabyte', `{"stageArn":"${'x'.repeat(1024 * 1024)}"}`],
  ['a prototype', '{"__proto__":{"stageArn":"x"}}'],
  ['a lone surrogate', '{"stageArn":"\\ud800"}'],
])('every operation with a required member refuses %s', async (_what, body) => {
  for (const model of MODELS) {
    const operations = Object.values(model.operations).filter(
      ({ http, input }) =>
        http.method === 'POST' && model.shapes[input?.shape ?? '']?.required && !http.requestUri.includes('{'),
    );
    expect(operations.length).toBeGreaterThan(5);
    for (const operation of operations) {
      const answer = await send('POST', operation.http.requestUri, body);
      expect(answer).toMatchObject({ status: 400, error: 'ValidationException' });
    }
  }
});

it('the models have 39 and 17 operations', () => {
  expect(SERVICES.map(({ operations }) => operations.size)).toEqual([39, 17]);
});
