import { idBefore, newId, newParticipantId } from './ids.ts';

const hour = 3_600_000;

describe('an id before a time', () => {
  test.each([0, hour - 60_000])('sorts before the ids of that time, also if a clock is %d ms behind', (behind) => {
    expect(idBefore('aud', new Date(Date.now() + behind)) < newId('aud')).toBe(true);
  });

  test('sorts after ids that are more than an hour older', () => {
    expect(idBefore('aud', new Date(Date.now() + 2 * hour)) > newId('aud')).toBe(true);
  });

  test.each([0, 1, 1_700_000_000_000, 4_000_000_000_000])('has the form of an id: %d', (ms) => {
    expect(idBefore('grt', new Date(ms))).toMatch(/^grt_[0-7][0-9a-z]{25}$/);
  });

  test('grows with the time', () => {
    const ids = [1, 2, 3].map((nth) => idBefore('aud', new Date(nth * 10 * hour)));
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(3);
  });
});

describe('a participant id', () => {
  test('sorts by age, so that a new one is put at the end of the index', () => {
    const ids = Array.from({ length: 10_000 }, newParticipantId);
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is one that every operation of IVS takes', () => {
    // ParticipantId of the service model. It has 64 characters at most.
    expect(newParticipantId()).toMatch(/^[a-zA-Z0-9-]{1,64}$/);
  });
});
