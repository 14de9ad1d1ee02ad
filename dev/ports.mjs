/**
 * The ports of `npm start`. Plain JavaScript: dev/run.mjs asks before it installs anything, whatever Node the machine has.
 */
import net from 'node:net';

/** Reads PORT, HOST and, where the emulator is meant, IVS_EMULATOR_PORT; a value that is no port throws one line. */
export function readPorts(env) {
  const emulated = !env.IVS_ENDPOINT && !env.AWS_REGION;
  return {
    port: readPort(env, 'PORT', 3000),
    // The credentials are throw-away and printed: nobody else on the network needs to reach them.
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

/** Why `npm start` cannot have its ports, in one line with the remedy; undefined if it can. */
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

/** On some systems a port can be taken twice, for all addresses and for one of them: hence both questions. */
async function isTaken(port, host) {
  return (await answers(port)) || !(await isFree(port, host));
}

/** Whether something on this machine takes connections on the port. */
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

/** A port nothing listens on at this moment. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
