import { Injectable } from '@nestjs/common';
import type { OperatorCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';
import { isSameSecret } from './same-secret.ts';
import { Secrets } from './secrets.ts';

/** The operator's token of the settings. */
@Injectable()
export class OperatorToken {
  /** Keyed hash of the token, for what is on record of it. */
  readonly hash: Buffer;

  constructor(
    private readonly settings: Settings,
    secrets: Secrets,
  ) {
    this.hash = secrets.hashApiKey(settings.operatorToken);
  }

  /** The operator, if this is their token. @throws Problem `unauthenticated` */
  authenticate(token: string): OperatorCaller {
    if (isSameSecret(token, this.settings.operatorToken)) return { kind: 'operator', id: 'operator' };
    throw new Problem('unauthenticated', 'The credential is no API key, no JWT, and not the token of the operator.');
  }
}
