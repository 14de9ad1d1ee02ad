import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { OperatorCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';
import { Secrets } from './secrets.ts';

/** The operator's token of the settings. */
@Injectable()
export class OperatorToken {
  /** Keyed hash of the token. A hash has a fixed length: the time to compare it depends on nothing that a caller does not know. */
  readonly hash: Buffer;

  constructor(
    settings: Settings,
    private readonly secrets: Secrets,
  ) {
    this.hash = secrets.hashApiKey(settings.operatorToken);
  }

  /** The operator, if this is their token. @throws Problem `unauthenticated` */
  authenticate(token: string): OperatorCaller {
    if (timingSafeEqual(this.secrets.hashApiKey(token), this.hash)) return { kind: 'operator', id: 'operator' };
    throw new Problem('unauthenticated', 'The credential is no API key, no JWT, and not the token of the operator.');
  }
}
