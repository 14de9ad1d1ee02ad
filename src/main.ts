import { createApp } from './app.ts';
import { InvalidSettings, Settings } from './config.ts';
import { migrate } from './database/migrate.ts';
import { startTracing } from './telemetry/tracing.ts';

/** Starts the service; with `--migrate`, after bringing the database up to date. */
async function main(): Promise<void> {
  const settings = Settings.from(process.env);
  if (process.argv.includes('--migrate')) {
    if (settings.databaseOwnerUrl === undefined) {
      throw new InvalidSettings(['DATABASE_OWNER_URL is required to migrate']);
    }
    await migrate(settings.databaseOwnerUrl);
  }
  await startTracing(settings.otlpEndpoint);
  const app = await createApp(settings);
  await app.listen(settings.port, settings.host);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`stagedoor: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
