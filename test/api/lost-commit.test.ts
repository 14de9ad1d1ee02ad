/** A commit whose answer is lost: the service cannot know whether its change was made. */
import { randomUUID } from 'node:crypto';
import { Crash, CrashProxy, nameDatabaseStep } from '../support/crash-proxy.ts';
import { createDatabase } from '../support/database.ts';
import { Stagedoor } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

/** Loses the answer of the nth commit from now, and cuts its connection. */
class LostCommit extends Crash {
  private left = 0;

  loseNth(nth: number): void {
    this.struck = false;
    this.left = nth;
  }

  override take(name: string): 'after' | undefined {
    return name === 'commit' && --this.left === 0 ? 'after' : undefined;
  }

  override strike(): void {
    this.struck = true;
  }
}

it('whichever answer of a commit is lost, a repeated request gets the first answer, and there is one ban', async () => {
  const database = await createDatabase();
  const lost = new LostCommit();
  const { proxy, url } = await CrashProxy.start(database.serviceUrl, lost, nameDatabaseStep);
  const stagedoor = await Stagedoor.start({ DATABASE_URL: url }, {}, database);
  try {
    const tenant = await stagedoor.createTenant();
    const bansOf = (userId: string) => database.query('select id from bans where user_id = $1', [userId]);
    // Of the key, of the ban, and of the answer.
    for (const nth of [1, 2, 3]) {
      const [key, userId] = [randomUUID(), `lost-${nth}`];
      const ban = () =>
        stagedoor.request('POST', '/v1/bans', {
          as: tenant.key,
          headers: { 'idempotency-key': key },
          body: { userId },
        });
      lost.loseNth(nth);
      let answer = await ban();
      await until(async () => {
        if (answer.status === 201) return true;
        // Whoever follows Retry-After gets there.
        expect([409, 503]).toContain(answer.status);
        expect(answer.headers.get('retry-after')).toBe('1');
        answer = await ban();
        return answer.status === 201;
      }, 'a repeated request gets the answer');
      expect({ nth, struck: lost.struck }).toEqual({ nth, struck: true });
      const again = await ban();
      expect([again.status, again.body['ban'].id]).toEqual([201, answer.body['ban'].id]);
      expect(await bansOf(userId)).toEqual([{ id: answer.body['ban'].id }]);
    }
  } finally {
    await stagedoor.stop();
    await proxy.stop();
  }
}, 120_000);
