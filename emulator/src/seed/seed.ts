import { readFileSync } from 'node:fs';
import { newCall } from '../state/call.ts';
import { randomId } from '../ids.ts';
import { handlerOf, SERVICES } from '../operations/services.ts';
import { ServiceError } from '../wire/service-error.ts';
import { scopeOf, type World } from '../state/world.ts';

/**
 * The kinds of resource in a seed file, with the operation that makes each. A resource can refer to one of an earlier
 * kind.
 */
const KINDS = {
  storageConfigurations: ['ivs', 'CreateStorageConfiguration'],
  encoderConfigurations: ['ivs', 'CreateEncoderConfiguration'],
  publicKeys: ['ivs', 'ImportPublicKey'],
  stages: ['ivs', 'CreateStage'],
  ingestConfigurations: ['ivs', 'CreateIngestConfiguration'],
  loggingConfigurations: ['ivschat', 'CreateLoggingConfiguration'],
  rooms: ['ivschat', 'CreateRoom'],
} as const;

interface SeedFile {
  account?: string;
  region?: string;
}

/**
 * Creates the resources that a file lists, in one account and Region:
 *
 *     { "account": "111122223333", "region": "us-east-1", "stages": [{ "id": "mainstage001", "name": "main" }] }
 *
 * Each item is the input of the operation that creates the resource. `id` sets the last part of its ARN, so that a
 * configuration file elsewhere can refer to it.
 *
 * @throws Error for a file that is malformed, or an item that the operation refuses.
 */
export async function createSeed(file: string, world: World): Promise<void> {
  const seed = JSON.parse(readFileSync(file, 'utf8')) as SeedFile & Record<string, unknown>;
  const { account = '111122223333', region = 'us-east-1', ...lists } = seed;
  const unknown = Object.keys(lists).find((kind) => !Object.hasOwn(KINDS, kind));
  if (unknown) throw new Error(`${file}: ${unknown} is not one of ${Object.keys(KINDS).join(', ')}`);
  const scope = scopeOf(world, account, region);
  for (const [kind, [serviceName, operationName]] of Object.entries(KINDS)) {
    const operation = SERVICES.find(({ name }) => name === serviceName)?.operations.get(operationName);
    if (!operation) throw new Error(`there is no operation ${operationName}`);
    for (const [index, { id, ...item }] of itemsOf(lists[kind], `${file}: ${kind}`).entries()) {
      try {
        const body = Buffer.from(JSON.stringify(item));
        const input = operation.readInput({ body, label: undefined, query: '' });
        await handlerOf(operation)(
          newCall(world, scope, operation, () => idOf(id)),
          input,
        );
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        throw new Error(`${file}: ${kind}[${index}]: ${error.message}`, { cause: error });
      }
    }
  }
}

function itemsOf(list: unknown, where: string): Record<string, unknown>[] {
  if (list === undefined) return [];
  const isList = Array.isArray(list) && list.every((item) => typeof item === 'object' && item !== null);
  if (!isList) throw new Error(`${where} must be a list of objects`);
  return list as Record<string, unknown>[];
}

function idOf(id: unknown): string {
  if (id === undefined) return randomId();
  if (typeof id === 'string' && /^[a-zA-Z0-9]{12}$/.test(id)) return id;
  throw new ServiceError('ValidationException', 'id must be 12 letters and digits');
}
