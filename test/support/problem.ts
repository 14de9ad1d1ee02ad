import { type ProblemCode, problemKinds } from '../../src/errors.ts';
import type { Answer } from './stagedoor.ts';

/** Fails unless the answer is the problem document that API.md promises, whole: status, code, headers and form. */
export function expectProblem(answer: Answer, code: ProblemCode, status: number = problemKinds[code].status): void {
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
  expectProblemDocument(answer);
}

/** Fails unless the answer is a problem document with a code of the closed list, whatever it is about. */
export function expectProblemDocument(answer: Answer): void {
  const { body, headers, status } = answer;
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    type: expect.stringMatching(/^(https?:\/\/|\/)\S+$/),
    title: expect.stringMatching(/\S/),
    status,
    detail: expect.stringMatching(/\S/),
    code: expect.stringMatching(/^[a-z_]+$/),
    requestId: headers.get('x-request-id') ?? 'the x-request-id header, which is missing',
  });
  expect(Object.keys(problemKinds)).toContain(body['code']);
  if (status === 429 || status === 503) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  if (body['code'] === 'rate_limited') {
    const [, policy] = /^"([a-z-]+)";q=\d+(?:;w=\d+)?$/.exec(headers.get('ratelimit-policy') ?? '') ?? [];
    expect(policy).toMatch(/^[a-z]/);
    // The fields are those of the limit that is used up, and say when there is more.
    expect(headers.get('ratelimit')).toBe(`"${policy}";r=0;t=${headers.get('retry-after')}`);
  }
  for (const fault of (body['errors'] as unknown[] | undefined) ?? []) {
    expect(fault).toEqual({ path: expect.any(String), message: expect.stringMatching(/\S/) });
  }
}
