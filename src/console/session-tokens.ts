import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { z } from 'zod';
import { DatabaseClock } from '../database/database-clock.ts';
import { limits } from '../limits.ts';
import { Secrets } from '../secrets/secrets.ts';

/** What the token of a session says: which session, and how old the token is. */
export interface SessionToken {
  tenantId: string;
  /** The secret of the session, 32 random bytes in base64url. The database has its keyed hash. */
  secret: string;
  ageSeconds: number;
}

const audience = 'stagedoor console';
const claims = z.object({ ten: z.string(), sid: z.string(), iat: z.int() });

/**
 * Makes and reads the tokens in the cookies of the console: JWTs that are good for half an hour. A session that is used gets a
 * new one now and then. A token alone lets nobody in: the session must be on record.
 */
@Injectable()
export class SessionTokens {
  private readonly jwt: JwtService;

  constructor(
    secrets: Secrets,
    private readonly clock: DatabaseClock,
  ) {
    this.jwt = new JwtService({
      secret: secrets.sessionTokenKey,
      signOptions: { algorithm: 'HS256', audience },
      verifyOptions: { algorithms: ['HS256'], audience },
    });
  }

  make({ tenantId, secret }: Omit<SessionToken, 'ageSeconds'>): string {
    const iat = this.now();
    return this.jwt.sign({ ten: tenantId, sid: secret, iat, exp: iat + limits.consoleIdleSeconds });
  }

  /** Reads a token; undefined: it is none of ours, or it has expired. */
  read(token: string): SessionToken | undefined {
    const clockTimestamp = this.now();
    try {
      const { ten, sid, iat } = claims.parse(this.jwt.verify(token, { clockTimestamp }));
      return { tenantId: ten, secret: sid, ageSeconds: clockTimestamp - iat };
    } catch {
      return undefined;
    }
  }

  /** Seconds since 1970, by the clock of the database. */
  private now(): number {
    return Math.floor(this.clock.now().getTime() / 1_000);
  }
}
