import { randomBytes } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { assemble } from '../../src/app.ts';
import { Settings } from '../../src/config.ts';
import { Reach } from '../../src/database/reach.ts';
import './secret-search.ts';
import { HttpClient } from './stagedoor.ts';

/**
 * The whole service, without Postgres and without IVS: for what it answers before it asks either. Passport knows the
 * strategies of one service in a process: those of the service that was made last.
 */
export async function withoutDatabase(env: Record<string, string> = {}): Promise<NestFastifyApplication> {
  const settings = Settings.from({
    LOG_LEVEL: 'silent',
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nothing',
    STAGEDOOR_OPERATOR_TOKEN: HttpClient.operatorToken,
    STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64'),
    AWS_REGION: 'us-east-1',
    ...env,
  });
  return await assemble(settings, new Reach(false));
}
