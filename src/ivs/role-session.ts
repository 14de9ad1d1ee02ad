/** Credentials are renewed in the background when they end within this time, in milliseconds. A session has an hour. */
const renewBeforeMs = 20 * 60_000;

/** Credentials that end within this time are not used any more: a call may take some seconds, and clocks differ. In milliseconds. */
const marginMs = 60_000;

/** Shortest time between two attempts while there are credentials to use, in milliseconds. */
const renewEveryMs = 30_000;

/** For so long a failure is the answer to everybody, in milliseconds: calls of one tenant do not become calls to STS. */
const failsForMs = 1_000;

/** The credentials of one assumed role. They are renewed early, once for all who ask, and used until they end if that fails. */
export class RoleSession<Credentials extends { expiration?: Date }> {
  private current: Credentials | undefined;
  private renewing: Promise<Credentials> | undefined;
  private failure: { error: unknown; at: number } | undefined;

  /**
   * @param assume asks STS for credentials.
   * @param now milliseconds since 1970.
   */
  constructor(
    private readonly assume: () => Promise<Credentials>,
    private readonly now: () => number = Date.now,
  ) {}

  /** Credentials that a call can use. @throws what `assume` throws. */
  async credentials(): Promise<Credentials> {
    const leftMs = this.current ? (this.current.expiration?.getTime() ?? Infinity) - this.now() : 0;
    if (this.current && leftMs > marginMs) {
      if (leftMs < renewBeforeMs && this.mayTry(renewEveryMs)) this.renew().catch(() => undefined);
      return this.current;
    }
    if (this.failure && !this.mayTry(failsForMs)) throw this.failure.error;
    return await this.renew();
  }

  private mayTry(afterMs: number): boolean {
    return this.failure === undefined || this.now() - this.failure.at >= afterMs;
  }

  private async renew(): Promise<Credentials> {
    this.renewing ??= this.ask().finally(() => (this.renewing = undefined));
    return await this.renewing;
  }

  private async ask(): Promise<Credentials> {
    try {
      this.current = await this.assume();
      this.failure = undefined;
      return this.current;
    } catch (error) {
      this.failure = { error, at: this.now() };
      throw error;
    }
  }
}
