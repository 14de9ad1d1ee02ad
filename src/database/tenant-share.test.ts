import { TenantShare } from './tenant-share.ts';

/** Works that go on until they are told to end. */
class Works {
  readonly share = new TenantShare(2);
  readonly started: string[] = [];
  private readonly ends = new Map<string, () => void>();

  begin(tenant: string, name: string): Promise<string> {
    return this.share.run(tenant, async () => {
      this.started.push(name);
      await new Promise<void>((resolve) => this.ends.set(name, resolve));
      return name;
    });
  }

  async end(name: string): Promise<void> {
    this.ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the share of a tenant', () => {
  test('is used up by the tenant alone: another tenant does not wait', async () => {
    const works = new Works();
    const all = ['a1', 'a2', 'a3', 'b1'].map((name) => works.begin(name.charAt(0), name));
    expect(works.started).toEqual(['a1', 'a2', 'b1']);
    await works.end('a2');
    expect(works.started).toEqual(['a1', 'a2', 'b1', 'a3']);
    for (const name of ['a1', 'a3', 'b1']) await works.end(name);
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1']);
  });

  test('is free again after a work that fails', async () => {
    const share = new TenantShare(1);
    await expect(share.run('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await share.run('a', () => Promise.resolve('again'))).toBe('again');
  });

  test('refuses more than wait at most, with the time to wait, and goes on with those that wait', async () => {
    const works = new Works();
    const names = Array.from({ length: 22 }, (_, nth) => `a${nth}`);
    const all = names.map((name) => works.begin('a', name));
    await expect(works.begin('a', 'one too many')).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: 1,
    });
    expect(works.started).toEqual(['a0', 'a1']);
    for (const name of names) await works.end(name);
    expect(await Promise.all(all)).toEqual(names);
  });

  test('refuses a work whose turn does not come in time, and forgets it', async () => {
    jest.useFakeTimers();
    try {
      const works = new Works();
      const [first, second] = [works.begin('a', 'a1'), works.begin('a', 'a2')];
      const late = works.begin('a', 'late').catch((error: unknown) => error);
      await jest.advanceTimersByTimeAsync(2_000);
      expect(await late).toMatchObject({ code: 'rate_limited' });
      jest.useRealTimers();
      await works.end('a1');
      await works.end('a2');
      await Promise.all([first, second]);
      expect(works.started).toEqual(['a1', 'a2']);
    } finally {
      jest.useRealTimers();
    }
  });
});
