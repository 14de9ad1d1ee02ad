/** What an explanation has, and what a policy says. */
import type { components } from '@stagedoor/client/server';
import type { Must, MustNot } from './file.ts';

export type Explanation = components['schemas']['JoinExplanation'];

/** In which points an explanation is not what a case says. */
export function faultsOf(found: Explanation, must: Must = {}, mustNot: MustNot = {}): string[] {
  return [...missing(found, must), ...forbidden(found, mustNot)];
}

function missing({ decision, role, stage, chat }: Explanation, must: Must): string[] {
  const faults: string[] = [];
  const decisions = listOf(must.decision);
  if (decisions && !decisions.includes(decision))
    faults.push(`the decision must be ${decisions.join(' or ')}, and is ${decision}`);
  if (must.role !== undefined && must.role !== role?.name)
    faults.push(`the role must be ${must.role}, and is ${role?.name ?? 'none'}`);
  if (must.from !== undefined && must.from !== role?.from)
    faults.push(`the role must come from ${must.from}, and comes from ${role?.from ?? 'nowhere'}`);
  for (const [what, wanted, got] of [
    ['stage', must.stage, stage?.capabilities],
    ['chat', must.chat, chat?.capabilities],
  ] as const) {
    if (wanted === undefined || isSame(wanted, got)) continue;
    const said = wanted === 'none' ? 'there must be no token' : `the token must allow ${wordsOf(wanted)}`;
    faults.push(`for the ${what} ${said}, and ${got ? `it allows ${wordsOf(got)}` : 'there is none'}`);
  }
  for (const [name, wanted] of Object.entries(must.attributes ?? {})) {
    const got = (stage ?? chat)?.attributes[name];
    if (got !== wanted) faults.push(`the attribute ${name} must be ${wanted}, and is ${got ?? 'absent'}`);
  }
  return faults;
}

function forbidden({ decision, role, stage, chat }: Explanation, mustNot: MustNot): string[] {
  const faults: string[] = [];
  if (listOf(mustNot.decision)?.includes(decision)) faults.push(`the decision must not be ${decision}`);
  if (role && listOf(mustNot.role)?.includes(role.name)) faults.push(`the role must not be ${role.name}`);
  for (const [what, unwanted, got] of [
    ['stage', mustNot.stage, stage?.capabilities],
    ['chat', mustNot.chat, chat?.capabilities],
  ] as const) {
    const both = unwanted?.filter((one) => (got as string[] | undefined)?.includes(one)) ?? [];
    if (both.length > 0) faults.push(`the token for the ${what} must not allow ${wordsOf(both)}`);
  }
  return faults;
}

function isSame(wanted: readonly string[] | 'none', got: readonly string[] | undefined): boolean {
  if (wanted === 'none') return got === undefined;
  return got !== undefined && wordsOf(wanted) === wordsOf(got);
}

function wordsOf(words: readonly string[]): string {
  return words.toSorted().join(', ') || 'nothing';
}

function listOf(value: string | string[] | undefined): string[] | undefined {
  return typeof value === 'string' ? [value] : value;
}
