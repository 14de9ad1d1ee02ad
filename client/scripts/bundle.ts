/**
 * Bundles and minifies code for the browser, as an application does with Vite. `node client/scripts/bundle.ts <entry>` writes the
 * bundle to its output.
 */
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';

const client = path.resolve(import.meta.dirname, '..');

/** Bundles one file of `client/` with all that it imports. Returns the text of the bundle. */
export async function bundle(entry: string): Promise<string> {
  const built = await build({
    root: client,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
      rolldownOptions: { input: path.resolve(client, entry), preserveEntrySignatures: 'strict' },
    },
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rolldown.RolldownOutput[];
  const chunks = outputs.flatMap(({ output }) => output).filter((file) => file.type === 'chunk');
  if (chunks.length !== 1 || !chunks[0]) throw new Error(`one file was expected, not ${chunks.length}`);
  return chunks[0].code;
}

/** Bytes of the core, as a browser loads it: bundled, minified, compressed. */
export async function sizeOfCore(): Promise<{ minified: number; compressed: number }> {
  const code = await bundle('src/index.ts');
  return { minified: Buffer.byteLength(code), compressed: gzipSync(code, { level: 9 }).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(await bundle(process.argv[2] ?? 'src/index.ts'));
}
