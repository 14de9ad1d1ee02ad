/** Prints, as JSON, what the Node that runs it makes in a second of processor time. bench/parts/signatures.ts runs it. */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';

const text = Buffer.alloc(400, 'x');
const inFlight = 8;

export interface SigningCosts {
  /** P-384 signatures, as the service makes them: on the thread pool. */
  signed: number;
  /** P-384 signatures, one after another on one thread. */
  signedAlone: number;
  /** P-256 signatures that are verified. */
  verified: number;
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function rateOf(seconds: number, work: () => unknown, lanes = 1): Promise<number> {
  const before = processorSeconds();
  const end = performance.now() + seconds * 1_000;
  let done = 0;
  const lane = async () => {
    for (; performance.now() < end; done++) await work();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return done / (processorSeconds() - before);
}

async function measure(seconds: number): Promise<SigningCosts> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const options = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const });
  const signature = sign('sha256', text, options(p256.privateKey));
  const onPool = () =>
    new Promise<void>((resolve, reject) =>
      sign('sha384', text, options(privateKey), (error) => (error ? reject(error) : resolve())),
    );
  return {
    signed: await rateOf(seconds, onPool, inFlight),
    signedAlone: await rateOf(seconds, () => sign('sha384', text, options(privateKey))),
    verified: await rateOf(seconds, () => verify('sha256', text, options(p256.publicKey), signature)),
  };
}

console.log(JSON.stringify(await measure(Number(process.argv[2]))));
