/**
 * How many tokens a second the emulator makes on one core, signatures checked:
 *
 *   node emulator/bench/tokens.ts [seconds]
 *
 * The load comes from a process of its own, over plain HTTP with SigV4 signed by hand, because the AWS SDK would be the
 * slower half. Prints calls a second of emulator CPU and the latency at half of that load.
 */
import { fork } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { Emulator } from '../src/emulator.ts';

const SECONDS = Number(process.argv[2] ?? 5);
const IN_FLIGHT = 16;

/** Signing keys of this process, by scope. */
const keys = new Map<string, Buffer>();

interface Job {
  url: string;
  service: string;
  path: string;
  body: string;
  /** Calls a second; 0 for as many as can be. */
  rate: number;
}

interface Result {
  calls: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
}

if (process.send) process.on('message', (job: Job) => void generate(job).then((result) => process.send?.(result)));
else await measure();

async function measure(): Promise<void> {
  const emulator = await Emulator.start({ port: 0, quotas: 'off' });
  const stageArn = await create(emulator.url, 'ivs', '/CreateStage', (answer) => answer.stage.arn);
  const roomIdentifier = await create(emulator.url, 'ivschat', '/CreateRoom', (answer) => answer.arn);
  const attributes = { role: 'viewer' };
  const kinds = [
    { service: 'ivs', path: '/CreateParticipantToken', body: JSON.stringify({ stageArn, userId: 'u-1', attributes }) },
    {
      service: 'ivschat',
      path: '/CreateChatToken',
      body: JSON.stringify({ roomIdentifier, userId: 'u-1', attributes }),
    },
  ];
  for (const kind of kinds) {
    const cpuBefore = process.cpuUsage();
    const full = await load({ url: emulator.url, ...kind, rate: 0 });
    const cpu = process.cpuUsage(cpuBefore);
    const cpuSeconds = (cpu.user + cpu.system) / 1e6;
    const half = await load({ url: emulator.url, ...kind, rate: full.calls / full.seconds / 2 });
    // oxlint-disable-next-line no-console
    console.log(
      `${kind.path.slice(1)}: ${Math.round(full.calls / full.seconds)}/s, ${Math.round(full.calls / cpuSeconds)} per CPU second; ` +
        `at half load p50 ${half.p50Ms.toFixed(2)} ms, p99 ${half.p99Ms.toFixed(2)} ms`,
    );
  }
  await emulator.stop();
}

function load(job: Job): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL(import.meta.url), [String(SECONDS)]);
    child.once('message', (result: Result) => {
      child.kill();
      resolve(result);
    });
    child.once('error', reject);
    child.send(job);
  });
}

async function generate(job: Job): Promise<Result> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + SECONDS * 1000;
  const pauseMs = job.rate === 0 ? 0 : (IN_FLIGHT / job.rate) * 1000;
  const worker = async (first: number) => {
    let next = startedAt + (first / IN_FLIGHT) * pauseMs;
    while (performance.now() < endsAt) {
      const wait = next - performance.now();
      if (pauseMs > 0 && wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      next += pauseMs;
      const before = performance.now();
      await call(job, agent);
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => worker(index)));
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  const seconds = (performance.now() - startedAt) / 1000;
  return { calls: latencies.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function call(job: Omit<Job, 'rate'>, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = sign(job);
    const sent = request(`${job.url}${job.path}`, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))));
    });
    sent.on('error', reject);
    sent.end(job.body);
  });
}

function sign({ url, service, path, body }: Omit<Job, 'rate'>): Record<string, string> {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const canonical = `POST\n${path}\n\nhost:${new URL(url).host}\nx-amz-date:${time}\n\nhost;x-amz-date\n${sha(body)}`;
  let key = keys.get(scope);
  if (!key) {
    key = Buffer.from('AWS4local');
    for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
    keys.set(scope, key);
  }
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha(canonical)}`;
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=local/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`,
  };
}

async function create(
  url: string,
  service: string,
  path: string,
  pick: (answer: { arn: string; stage: { arn: string } }) => string,
): Promise<string> {
  const agent = new Agent();
  return pick(JSON.parse(await call({ url, service, path, body: '{}' }, agent)));
}
