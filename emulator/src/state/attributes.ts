import type { Switches } from './switches.ts';

const MAX_SIZE = 1024;

/**
 * Says what is wrong with the attributes of a participant, a chat user or an event. Returns `undefined` for correct
 * attributes. They may hold 1 KB in all (AWS docs). The docs do not say what is counted, so a switch decides.
 */
export function attributesProblem(
  attributes: Record<string, string> | undefined,
  switches: Pick<Switches, 'attributesCount'>,
): string | undefined {
  if (!attributes) return undefined;
  const size = sizeOf(attributes, switches.attributesCount);
  const unit = switches.attributesCount === 'characters' ? 'characters' : 'bytes of UTF-8';
  return size > MAX_SIZE ? `must be at most ${MAX_SIZE} ${unit} in all, not ${size}` : undefined;
}

function sizeOf(attributes: Record<string, string>, count: Switches['attributesCount']): number {
  if (count === 'json-bytes') return Buffer.byteLength(JSON.stringify(attributes));
  let size = 0;
  for (const [key, value] of Object.entries(attributes)) {
    size += count === 'characters' ? key.length + value.length : Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return size;
}
