export interface Ports {
  port: number;
  host: string;
  /** Undefined if the emulator is not used. */
  emulatorPort: number | undefined;
}
export function readPorts(env: NodeJS.ProcessEnv): Ports;
export function portRefusal(ports: Ports): Promise<string | undefined>;
export function answers(port: number): Promise<boolean>;
export function isFree(port: number, host?: string): Promise<boolean>;
export function freePort(): Promise<number>;
