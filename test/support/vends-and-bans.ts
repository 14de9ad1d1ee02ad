import type { Cluster } from './cluster.ts';
import { expectInvariants } from './invariants.ts';
import { sized } from './full-size.ts';
import { expectProblem } from './problem.ts';
import type { Answer } from './stagedoor.ts';
import { until } from './until.ts';

/** So many bans are made before something happens, and so many again after it. */
const bansEachTime = sized(8, 500);

let people = 0;

/**
 * Users get stage tokens and are banned, by turns at the replicas that run, some at a time and without a pause. What was
 * answered is kept.
 */
export class VendsAndBans implements AsyncDisposable {
  /** Ids of the grants of tokens that were given. */
  readonly grants: string[] = [];
  /** Users whose ban was answered with 201. */
  readonly banned: string[] = [];
  /** Every other answer. */
  readonly refused: Answer[] = [];
  private isOver = false;
  private readonly workers = Array.from({ length: 4 }, (_, n) => this.work(n));

  constructor(
    private readonly cluster: Cluster,
    private readonly key: string,
    private readonly spaceId: string,
  ) {}

  /** Asks a replica for a stage token. */
  vend(n: number, userId: string): Promise<Answer> {
    return this.cluster.at(n).once.post(`/v1/spaces/${this.spaceId}/stage-tokens`, this.key, { userId });
  }

  /** Bans at a replica. */
  ban(n: number, userId: string): Promise<Answer> {
    return this.cluster.at(n).once.post('/v1/bans', this.key, { userId });
  }

  /** Waits until so many more bans were made. */
  async makesBans(count = bansEachTime): Promise<void> {
    const before = this.banned.length;
    await until(() => this.banned.length >= before + count, 'bans are made');
  }

  /** Stops the load, and fails if anything that was answered is lost, or if a banned user gets a token. */
  async endsWithNothingLost(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.workers);
    for (const answer of this.refused) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[1-9]\d*$/)]);
    }
    const lost = await this.cluster.database.query(
      `select 'grant' as what, given as lost from unnest($1::text[]) as given
        where not exists (select from grants where id = given)
       union all
       select 'ban', banned from unnest($2::text[]) as banned
        where not exists (select from bans where user_id = banned and lifted_at is null)`,
      [this.grants, this.banned],
    );
    expect(lost).toEqual([]);
    for (const [n, userId] of this.banned.slice(-6).entries()) expectProblem(await this.vend(n, userId), 'banned');
    await expectInvariants(this.cluster);
  }

  /** Stops the load, if a test has failed before its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isOver = true;
    await Promise.allSettled(this.workers);
  }

  private async work(first: number): Promise<void> {
    await Promise.resolve(); // until the constructor is done
    for (let n = first; !this.isOver; n++) {
      people += 1;
      const userId = `user-${people}`;
      const vended = await this.vend(n, userId);
      if (vended.status === 201) this.grants.push(vended.body['grantId']);
      else this.refused.push(vended);
      const made = await this.ban(n + 1, userId);
      if (made.status === 201) this.banned.push(userId);
      else this.refused.push(made);
    }
  }
}
