/**
 * The ports of `npm start` and `npm run dev`. This file is plain JavaScript because dev/run.mjs uses it before anything is
 * installed, on whatever Node the machine has.
 */
import net from 'node:net';

/** Reads PORT, HOST and, if the emulator is used, IVS_EMULATOR_PORT. Throws one line if a value is not a port. */
export function readPorts(env) {
  const emulated = !env.IVS_ENDPOINT && !env.AWS_REGION;
  return {
    port: readPort(env, 'PORT', 3000),
    // The credentials are printed, so the service is not open to the network.
    host: env.HOST || '127.0.0.1',
    emulatorPort: emulated ? readPort(env, 'IVS_EMULATOR_PORT', 4580) : undefined,
  };
}

function readPort(env, name, byDefault) {
  const text = env[name] || String(byDefault);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 65_535) return value;
  throw new Error(`${name}=${text} is not a port. Remedy: ${name}=<a number from 1 to 65535> npm start`);
}

/** Why the ports cannot be used, in one line with the remedy; undefined if they can. */
export async function portRefusal({ port, host, emulatorPort }) {
  if (port === emulatorPort)
    return `PORT and IVS_EMULATOR_PORT are both ${port}. Remedy: set one of them to another port`;
  if (await isTaken(port, host)) return taken('PORT', port);
  if (emulatorPort && (await isTaken(emulatorPort, '127.0.0.1'))) return taken('IVS_EMULATOR_PORT', emulatorPort);
  return undefined;
}

function taken(name, port) {
  return `Port ${port} is taken. Remedy: stop what uses it, or ${name}=<another port> npm start`;
}

/** Asks in two ways, because some systems let two servers have one port: one for all addresses, one for a single address. */
async function isTaken(port, host) {
  return (await answers(port)) || !(await isFree(port, host));
}

/** Whether a server on this machine takes connections on the port. */
export async function answers(port) {
  const socket = net.connect({ port, host: '127.0.0.1' });
  const answer = await new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return answer;
}

/** Whether a server could listen on this port of `host`. */
export async function isFree(port, host = '127.0.0.1') {
  const server = net.createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that no server listens on at this moment. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
