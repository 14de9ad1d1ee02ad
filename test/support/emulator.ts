/** The emulator of the tests, and what of its behavior a run of tests chooses. */
import { Emulator } from '../../emulator/src/emulator.ts';
import type { EmulatorOptions } from '../../emulator/src/options.ts';
import { switchesOfEnvironment } from '../../emulator/src/state/switches.ts';

/**
 * Where the tests differ from the defaults of the emulator. By default it accepts a DisconnectParticipant of an id that is
 * not connected, and the ledger then shows an unused token that IVS made as revoked (`finish_delivery`). Tests of what the
 * ledger shows rest on the error. test/api/v1/absent-participants.test.ts has what must hold without it.
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
