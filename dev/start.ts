/** `npm start`: Postgres, the IVS emulator, the built service and a demo tenant, in one command and stopped by one Ctrl-C. */
import { type Child, rotateLog, startNode } from './children.ts';
import { answersOk, serve, type ServiceContext } from './serve.ts';
import { at, demoPage } from './settings.ts';
import { until } from './wait.ts';

async function startService({ env, logFile, readyUrl, running }: ServiceContext): Promise<Child> {
  const args = ['--enable-source-maps', ...demoPage, at('dist/main.js')];
  const service = running.add(startNode({ name: 'service', args, env, logFile: rotateLog(logFile) }));
  await until(() => answersOk(readyUrl), service, `does not answer at ${readyUrl}`);
  return service;
}

await serve({
  migrate: ['--enable-source-maps', at('dist/database/migrate.js')],
  emulator: ['--enable-source-maps', at('emulator/dist/bin.js')],
  startService,
  watching: [],
});
