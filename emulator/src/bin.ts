#!/usr/bin/env node
import { HELP, parseCommandLine, version } from './cli.ts';
import { Emulator } from './emulator.ts';
import type { EmulatorOptions } from './options.ts';
import { parseWait, waitForEmulator } from './wait.ts';

try {
  const [command, ...args] = process.argv.slice(2);
  if (command === 'wait') await waitForEmulator(parseWait(args, process.env));
  else await obey(parseCommandLine(process.argv.slice(2), process.env));
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  console.error(
    code === 'EADDRINUSE' ? `ivs-emulator: ${message}. Choose another port with --port.` : `ivs-emulator: ${message}`,
  );
  process.exitCode = 1;
}

async function obey(options: ReturnType<typeof parseCommandLine>): Promise<void> {
  if (options === 'help') console.log(HELP);
  else if (options === 'version') console.log(version());
  else await run(options);
}

async function run(options: EmulatorOptions): Promise<void> {
  const emulator = await Emulator.start(options);
  console.log(`IVS emulator. THIS IS NOT AWS: nothing is streamed, billed or kept safe.

  IVS Real-Time, IVS Chat, STS   ${emulator.url}
  chat client                    ${emulator.chatUrl}
  control API                    ${emulator.url}/_emulator/
  page for a browser             ${emulator.url}/
  credentials                    access key id "local", secret access key "local"
`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void emulator.stop();
    });
  }
}
