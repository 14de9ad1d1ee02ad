/** `@stagedoor/client`: what a page loads. */
import { sizeOfCore } from '../../client/scripts/bundle.ts';
import { heading, line } from '../support/report.ts';

export async function client(): Promise<void> {
  heading('The client: the core, as a browser loads it');
  const { minified, compressed } = await sizeOfCore();
  line('bundled and minified', `${(minified / 1_000).toFixed(1)} kB`);
  line('compressed with gzip', `${(compressed / 1_000).toFixed(1)} kB`, 'less than 6 kB is wanted');
}
