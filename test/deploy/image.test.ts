/** The image: who it runs as, and the list of its packages. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** The steps of each stage of the Dockerfile, by the name of the stage. Lines that go on are joined. */
const stages = new Map(
  read('Dockerfile')
    .replaceAll('\\\n', ' ')
    .split(/^(?=FROM )/m)
    .flatMap((stage) => {
      const name = /^FROM \S+ AS (\w+)/.exec(stage)?.[1];
      return name === undefined ? [] : [[name, stage] as const];
    }),
);

test.each(['service', 'emulator'])(
  'the image of the %s does not run as root, says how it is, and gets signals',
  (name) => {
    const steps = stages.get(name) ?? '';
    expect(steps).toMatch(/^USER node$/m);
    expect(steps).toMatch(/^HEALTHCHECK .*CMD \[/m);
    // A shell in between would die of SIGTERM without passing it on.
    expect(steps).toMatch(/^CMD \["node", /m);
    expect(steps.indexOf('USER node')).toBeGreaterThan(steps.lastIndexOf('\nRUN '));
  },
);

interface Bom {
  bomFormat: string;
  components: { name: string; purl: string; version: string; hashes?: { alg: string; content: string }[] }[];
}
type Entry = { version: string; integrity?: string; license?: string; link?: boolean; dev?: boolean };

test('the list of packages in the image has each package that is installed, with its checksum', async () => {
  const command = /^RUN (.+) > sbom\.cdx\.json$/m.exec(stages.get('dependencies') ?? '')?.[1] ?? '';
  expect(stages.get('dependencies')).toContain('npm ci --omit=dev');
  expect(stages.get('service')).toContain('COPY --from=dependencies /app/sbom.cdx.json ./');
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  const { bomFormat, components } = JSON.parse(stdout) as Bom;
  expect(bomFormat).toBe('CycloneDX');
  const { packages } = JSON.parse(read('node_modules/.package-lock.json')) as { packages: Record<string, Entry> };
  const installed = Object.entries(packages).filter(([place, { link }]) => place.includes('node_modules/') && !link);
  expect(components).toHaveLength(installed.length);
  for (const name of Object.keys((JSON.parse(read('package.json')) as { dependencies: object }).dependencies)) {
    const { version = '', integrity = '' } = packages[`node_modules/${name}`] ?? {};
    const component = components.find((one) => one.name === name && one.version === version);
    expect([name, decodeURIComponent(component?.purl ?? '')]).toEqual([name, `pkg:npm/${name}@${version}`]);
    const content = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
    expect([name, component?.hashes]).toEqual([name, [{ alg: 'SHA-512', content }]]);
  }
});
