import type { Switches } from './switches.ts';

const LIMIT = 1024;

/**
 * What is wrong with attributes of a participant, a chat user or an event: in all they may hold 1 KB (AWS docs, which
 * leave open what is counted, hence the switch). `undefined` when nothing is.
 */
export function attributesProblem(
  attributes: Record<string, string> | undefined,
  switches: Pick<Switches, 'attributesCount'>,
): string | undefined {
  if (!attributes) return undefined;
  const size = sizeOf(attributes, switches.attributesCount);
  const unit = switches.attributesCount === 'characters' ? 'characters' : 'bytes of UTF-8';
  return size > LIMIT ? `must be at most ${LIMIT} ${unit} in all, not ${size}` : undefined;
}

function sizeOf(attributes: Record<string, string>, count: Switches['attributesCount']): number {
  if (count === 'json-bytes') return Buffer.byteLength(JSON.stringify(attributes));
  let size = 0;
  for (const [key, value] of Object.entries(attributes)) {
    size += count === 'characters' ? key.length + value.length : Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return size;
}
