/** The emulator of the tests, and what of its behavior a run of tests chooses. */
import { Emulator } from '../../emulator/src/emulator.ts';
import type { EmulatorOptions } from '../../emulator/src/options.ts';
import { switchesOfEnvironment } from '../../emulator/src/state/switches.ts';

/**
 * Where the tests differ from the defaults of the emulator. By default it accepts a DisconnectParticipant of an id that is
 * not connected. The service takes an accepted call for a token that IVS made as proof that the token is revoked
 * (`finish_delivery`), and `not_connected` only from the error. The tests of the ledger rest on the error.
 */
const usual = { absentParticipant: 'not-found' } as const;

/**
 * Starts an emulator without call rates.
 *
 * Where AWS documents two behaviors, the service must be right with each. A test chooses one with
 * `{ switches: { participantEventsOrder: 'newest-first' } }`. For a whole run, the environment chooses:
 *
 *     IVS_EMULATOR_SWITCHES=participantEventsOrder=newest-first,participantEventTimes=seconds npm run test:faults
 *
 * @param options how it differs. A switch of a test has precedence over the environment.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const switches = { ...usual, ...switchesOfEnvironment(process.env), ...options.switches };
  return await Emulator.start({ port: 0, quotas: 'off', ...options, switches });
}
