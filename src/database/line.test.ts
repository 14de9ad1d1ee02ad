import { Problem } from '../errors.ts';
import { Line } from './line.ts';

/** Work that ends when it is told to, and what has begun so far. */
function workshop(line: Line) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (tenant: string, name: string, deadline = Infinity) =>
    line.run(tenant, Math.min(deadline, performance.now() + 60_000), async () => {
      begun.push(name);
      await new Promise<void>((end) => ends.set(name, end));
      return name;
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, start, end };
}

test('as much work runs at once as there are places, and the rest follows', async () => {
  const { begun, start, end } = workshop(new Line(2, 'Too many wait.'));
  const all = ['a', 'b', 'c'].map((name) => start('ten', name));
  expect(begun).toEqual(['a', 'b']);
  await end('a');
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('b');
  await end('c');
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
});

test('tenants take turns, however much one of them has in line', async () => {
  const { begun, start, end } = workshop(new Line(1, 'Too many wait.'));
  for (const name of ['1', '2', '3', '4']) void start('busy', name);
  void start('calm', 'x');
  for (const name of ['1', '2', 'x', '3', '4']) await end(name);
  expect(begun).toEqual(['1', '2', 'x', '3', '4']);
});

test('work that waits for too long is refused, does not run, and keeps nobody from their turn', async () => {
  const { begun, start, end } = workshop(new Line(1, 'Too many wait.'));
  void start('ten', 'a');
  const late = start('ten', 'late', performance.now());
  const patient = start('ten', 'b');
  await expect(late).rejects.toBeInstanceOf(Problem);
  await expect(late).rejects.toMatchObject({
    code: 'unavailable',
    detail: 'Too many wait.',
    retryAfterSeconds: 2,
  });
  await end('a');
  await end('b');
  expect(await patient).toBe('b');
  expect(begun).toEqual(['a', 'b']);
});

test('work that fails gives its place back', async () => {
  const line = new Line(1, 'Too many wait.');
  const failing = line.run('ten', Infinity, () => Promise.reject(new Error('failed')));
  await expect(failing).rejects.toThrow('failed');
  expect(await line.run('ten', Infinity, () => Promise.resolve('next'))).toBe('next');
});
