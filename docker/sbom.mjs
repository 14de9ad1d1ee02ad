/**
 * Prints the list of the packages that npm has installed here, in the format CycloneDX: name, version, license and checksum of
 * each. `npm sbom --omit=dev` leaves out packages that the service needs and a development tool needs too.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const purlOf = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

const { name, version, license } = readJson('package.json');
const { packages } = readJson('node_modules/.package-lock.json');

const components = Object.entries(packages)
  .filter(([place, { link }]) => place.includes('node_modules/') && !link)
  .map(([place, entry]) => {
    const name = entry.name ?? place.split('node_modules/').at(-1);
    const [, checksum = ''] = /^sha512-(.+)$/.exec(entry.integrity ?? '') ?? [];
    return {
      'bom-ref': place,
      type: 'library',
      name,
      version: entry.version,
      purl: purlOf(name, entry.version),
      ...(entry.license && {
        licenses: [
          /^[\w.+-]+$/.test(entry.license) ? { license: { name: entry.license } } : { expression: entry.license },
        ],
      }),
      ...(checksum && { hashes: [{ alg: 'SHA-512', content: Buffer.from(checksum, 'base64').toString('hex') }] }),
    };
  });

const bom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  serialNumber: `urn:uuid:${randomUUID()}`,
  version: 1,
  metadata: {
    timestamp: new Date().toISOString(),
    component: {
      type: 'application',
      name,
      version,
      purl: purlOf(name, version),
      licenses: [{ license: { name: license } }],
    },
  },
  components,
};
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
