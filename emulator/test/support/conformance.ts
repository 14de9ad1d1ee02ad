import {
  CreateEncoderConfigurationCommand,
  CreateStageCommand,
  CreateStorageConfigurationCommand,
  DeleteEncoderConfigurationCommand,
  DeleteStageCommand,
  DeleteStorageConfigurationCommand,
  IVSRealTimeClient,
  type Stage,
} from '@aws-sdk/client-ivs-realtime';
import { CreateRoomCommand, DeleteRoomCommand, IvschatClient } from '@aws-sdk/client-ivschat';
import { Emulator } from '../../src/index.ts';
import { chat, realtime, startEmulator } from './clients.ts';

/**
 * The suite checks whether the emulator answers like AWS. It runs against an emulator, or against AWS itself:
 *
 *     IVS_CONFORMANCE=aws AWS_REGION=us-west-2 npx jest emulator/test/conformance --runInBand
 *
 * On AWS, tests that need the control API are skipped. Tests that cost money are skipped too, unless
 * IVS_CONFORMANCE_ALLOW_COST=1 is set.
 */
const ON_AWS = process.env['IVS_CONFORMANCE'] === 'aws';
const MAY_COST = !ON_AWS || process.env['IVS_CONFORMANCE_ALLOW_COST'] === '1';

/** An ARN like the given one under which nothing exists. */
export function absent(arn: string): string {
  return arn.replace(/[^/]+$/, 'AbsentAbsent');
}

/** The service under test. Resources that a test makes with its methods are deleted at the end of the file. */
export class Target {
  realtime!: IVSRealTimeClient;
  chat!: IvschatClient;
  #emulator: Emulator | undefined;
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  async start(): Promise<void> {
    if (ON_AWS) {
      this.realtime = new IVSRealTimeClient({ maxAttempts: 10 });
      this.chat = new IvschatClient({ maxAttempts: 10 });
      return;
    }
    this.#emulator = await startEmulator();
    this.realtime = realtime(this.#emulator);
    this.chat = chat(this.#emulator);
  }

  async stop(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup().catch(() => undefined);
    this.realtime.destroy();
    this.chat.destroy();
    await this.#emulator?.stop();
  }

  /** `it` for a test that runs on the emulator only, because it makes participants act through the control API. */
  get onEmulator(): jest.It {
    return ON_AWS ? it.skip : it;
  }

  /** `it` for a test of operations that AWS bills. */
  get costly(): jest.It {
    return MAY_COST ? it : it.skip;
  }

  /** The emulator. Only tests of `onEmulator` can use it. */
  get emulator(): Emulator {
    if (!this.#emulator) throw new Error('this test runs on the emulator only: declare it with onEmulator');
    return this.#emulator;
  }

  /** Registers a function that deletes a resource at the end of the file. */
  cleanUp(act: () => Promise<unknown>): void {
    this.#cleanups.push(act);
  }

  async stage(input: ConstructorParameters<typeof CreateStageCommand>[0] = {}): Promise<Stage & { arn: string }> {
    const { stage } = await this.realtime.send(new CreateStageCommand(input));
    const arn = stage?.arn ?? '';
    this.cleanUp(() => this.realtime.send(new DeleteStageCommand({ arn })));
    return { ...stage, arn };
  }

  async room(input: ConstructorParameters<typeof CreateRoomCommand>[0] = {}): Promise<string> {
    const { arn = '' } = await this.chat.send(new CreateRoomCommand(input));
    this.cleanUp(() => this.chat.send(new DeleteRoomCommand({ identifier: arn })));
    return arn;
  }

  async encoder(): Promise<string> {
    const { encoderConfiguration } = await this.realtime.send(new CreateEncoderConfigurationCommand({}));
    const arn = encoderConfiguration?.arn ?? '';
    this.cleanUp(() => this.realtime.send(new DeleteEncoderConfigurationCommand({ arn })));
    return arn;
  }

  /** On AWS, the bucket must exist. IVS_CONFORMANCE_BUCKET names it. */
  async storage(): Promise<string> {
    const bucketName = process.env['IVS_CONFORMANCE_BUCKET'] ?? 'recordings';
    const { storageConfiguration } = await this.realtime.send(
      new CreateStorageConfigurationCommand({ s3: { bucketName } }),
    );
    const arn = storageConfiguration?.arn ?? '';
    this.cleanUp(() => this.realtime.send(new DeleteStorageConfigurationCommand({ arn })));
    return arn;
  }
}

/** Starts a target before the tests of a file, and stops it after them. */
export function conformance(): Target {
  const target = new Target();
  beforeAll(() => target.start());
  afterAll(() => target.stop());
  return target;
}

/** Expects that a call fails with an error of this name and status. */
export async function expectRefusal(call: Promise<unknown>, name: string, status: number): Promise<void> {
  await expect(call).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
}

export const refusedInput = (call: Promise<unknown>) => expectRefusal(call, 'ValidationException', 400);
export const notFound = (call: Promise<unknown>) => expectRefusal(call, 'ResourceNotFoundException', 404);
export const conflict = (call: Promise<unknown>) => expectRefusal(call, 'ConflictException', 409);
