import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DatabaseClock } from '../database/database-clock.ts';
import { limits } from '../limits.ts';
import { Secrets } from '../secrets/secrets.ts';
import { cookiesNamed } from './session-cookie.ts';

/**
 * Name of the cookie that a browser has while a person is at their identity provider. It comes back from another site, so it is
 * SameSite=Lax: the browser sends it with the navigation back, and with nothing else that another site causes.
 */
const cookieName = '__Host-stagedoor-sign-in';

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax';

/** The header that makes the browser forget an attempt. */
export const attemptWithout = `${cookieName}=; ${attributes}; Max-Age=0`;

const attempt = z.object({
  tenantId: z.string(),
  issuerId: z.string(),
  /** Version of what the tenant had registered of the provider when the attempt began. */
  version: z.int(),
  state: z.string(),
  nonce: z.string(),
  /** Of PKCE. */
  verifier: z.string(),
  redirectUri: z.string(),
});
/** A sign-in that a browser has begun. */
export type SignInAttempt = z.output<typeof attempt>;

const sealed = attempt.extend({ until: z.number() });

/** Where an attempt is sealed for: no other sealed value of the service can be taken for one. */
const place = { tenantId: 'console', column: 'sign-in cookie', id: 'attempt' };

/** Keeps the sign-ins that have begun: each in a sealed cookie of its browser, and nowhere else. */
@Injectable()
export class SignInAttempts {
  constructor(
    private readonly secrets: Secrets,
    private readonly clock: DatabaseClock,
  ) {}

  /** The header `set-cookie` that gives an attempt to the browser. */
  cookieWith(begun: SignInAttempt): string {
    const until = this.clock.now().getTime() + limits.consoleSignInSeconds * 1_000;
    const value = this.secrets.sealOurs(JSON.stringify({ ...begun, until }), place).toString('base64url');
    return `${cookieName}=${value}; ${attributes}; Max-Age=${limits.consoleSignInSeconds}`;
  }

  /** The attempt of the browser that sends a request; undefined: it has begun none, or too long ago. */
  read(request: FastifyRequest): SignInAttempt | undefined {
    const [value, ...more] = cookiesNamed(request, cookieName);
    if (value === undefined || more.length > 0) return undefined;
    try {
      const opened = this.secrets.openOurs(Buffer.from(value, 'base64url'), place).toString();
      const { until, ...begun } = sealed.parse(JSON.parse(opened));
      return until > this.clock.now().getTime() ? begun : undefined;
    } catch {
      return undefined;
    }
  }
}
