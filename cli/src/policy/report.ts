import { printable, styled } from '../terminal.ts';
import type { Explanation } from './compare.ts';

/** How one case went. */
export interface CaseResult {
  name: string;
  passed: boolean;
  /** In which points the service does something else than the policy says. */
  faults: string[];
  seconds: number;
  decision?: Explanation['decision'];
  role?: Explanation['role'];
  /** What the check that refused has found, or the check of the role. */
  because?: string;
}

export interface PolicyResult {
  passed: number;
  failed: number;
  cases: CaseResult[];
}

/** The result, for people. */
export function resultForPeople({ passed, failed, cases }: PolicyResult): string {
  const lines = cases.flatMap(({ name, passed, faults, because }) =>
    passed
      ? [`${styled('green', '✓')} ${printable(name)}`]
      : [
          `${styled('red', '✗')} ${printable(name)}`,
          ...faults.map((fault) => `    ${printable(fault)}`),
          ...(because === undefined ? [] : [`    ${styled('dim', printable(because))}`]),
        ],
  );
  return [...lines, '', `${passed} passed, ${failed} failed`].join('\n');
}

/** The result in the XML of JUnit, which CI systems read. */
export function resultForJunit(suite: string, { failed, cases }: PolicyResult): string {
  const total = cases.reduce((sum, { seconds }) => sum + seconds, 0);
  const of = ({ name, faults, because, seconds }: CaseResult) => {
    const open = `    <testcase classname="${escaped(suite)}" name="${escaped(name)}" time="${seconds.toFixed(3)}"`;
    if (faults.length === 0) return `${open}/>`;
    const text = [...faults, ...(because === undefined ? [] : [because])].join('\n');
    return `${open}>\n      <failure message="${escaped(faults[0] ?? '')}">${escaped(text)}</failure>\n    </testcase>`;
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="${escaped(suite)}" tests="${cases.length}" failures="${failed}" errors="0" time="${total.toFixed(3)}">`,
    ...cases.map(of),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Text for XML, which has no place for most control characters. */
function escaped(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}
