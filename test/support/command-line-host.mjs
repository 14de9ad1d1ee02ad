/**
 * Runs commands of the built command line one after the other, each as a process of its own would: with its arguments, its
 * environment, its folder and its input, and with outputs that are no terminal. What it saves is the start of Node.
 */
import { Readable, Writable } from 'node:stream';
import { run } from '../../cli/dist/run.js';

process.on('disconnect', () => process.exit());
process.on('message', (command) => void perform(command));

async function perform({ args, env, cwd, input }) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.chdir(cwd);
  process.exitCode = undefined;
  const [out, err] = [collector(), collector()];
  const streams = {
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    stdout: out.stream,
    stderr: err.stream,
  };
  for (const [name, value] of Object.entries(streams))
    Object.defineProperty(process, name, { value, configurable: true });
  const code = await run(args);
  process.send({ code, out: out.text(), err: err.text() });
}

function collector() {
  const parts = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      parts.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(parts).toString() };
}
