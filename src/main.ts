import { optionsOf } from './command-line.ts';
import { Settings } from './config.ts';
import { messageOf } from './redaction.ts';
import { StopOnSignals } from './stop-on-signals.ts';

/** Starts the service. With `--migrate` it migrates the database first. */
async function main(): Promise<void> {
  const { migrate: migrating } = optionsOf(process.argv.slice(2), { migrate: { type: 'boolean', default: false } });
  const signals = new StopOnSignals();
  const settings = Settings.from(process.env, migrating ? ['DATABASE_OWNER_URL'] : []);
  // Loading the rest takes a second or two. It comes after the settings, so that a wrong setting is reported at once.
  if (migrating && settings.databaseOwnerUrl !== undefined) {
    const { migrate } = await import('./database/migrate.ts');
    await migrate(settings.databaseOwnerUrl);
  }
  const { startTracing } = await import('./telemetry/tracing.ts');
  const flushTraces = await startTracing(settings.otlpEndpoint);
  const { createApp, stoppable } = await import('./app.ts');
  const app = await createApp(settings);
  signals.set(stoppable(app, flushTraces), settings.shutdownDrainSeconds);
  await app.listen(settings.port, settings.host);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`stagedoor: ${messageOf(error)}\n`);
  process.exit(1);
}
