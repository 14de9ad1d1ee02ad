/** Words that YAML 1.1 reads as a boolean or as nothing when they stand without quotes. */
const reserved = /^(y|yes|n|no|on|off|true|false|null)$/i;

/**
 * Writes plain data (what JSON can hold) as YAML, in block style. Texts are in double quotes: a JSON string is a YAML string.
 * @param indent what stands before each line.
 */
export function toYaml(value: unknown, indent = ''): string {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((item) => `${indent}-${nested(item, `${indent}  `)}`).join('');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    return Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => `${indent}${keyOf(key)}:${nested(item, `${indent}  `)}`)
      .join('');
  }
  return `${indent}${JSON.stringify(value)}\n`;
}

/** What follows a dash or a key: a scalar on the same line, or a block below. */
function nested(value: unknown, indent: string): string {
  const isBlock = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  return isBlock ? `\n${toYaml(value, indent)}` : ` ${toYaml(value)}`;
}

function keyOf(key: string): string {
  return /^[A-Za-z_][\w-]*$/.test(key) && !reserved.test(key) ? key : JSON.stringify(key);
}
