/** `npm run dev`: as `npm start`, but from the sources, and the service restarts when one changes. */
import { ServiceInDevelopment } from './dev-service.ts';
import { serve } from './serve.ts';
import { at } from './settings.ts';

const migrate = ['--import', at('dev/run-typescript.mjs'), at('src/database/migrate.ts')];

await serve({
  migrate,
  emulator: [at('emulator/src/bin.ts')],
  startService: async (context) => {
    const service = context.running.add(new ServiceInDevelopment(context, migrate));
    await service.start();
    return service;
  },
  watching: [
    'The service restarts when a file in src/ or prisma/ changes. Migrations and SQL functions are applied first.',
  ],
});
