import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';

/** The header in which an API destination of EventBridge sends its secret. */
export const ingestHeader = 'x-stagedoor-ingest-secret';

/** Checks the secret of what EventBridge sends. */
@Injectable()
export class IngestSecret {
  private readonly digests: readonly Buffer[];

  constructor(settings: Settings) {
    this.digests = settings.ivsEventsSecrets.map(digest);
  }

  /** @throws Problem `not_found` if the deployment has no secret, and `unauthenticated` if the request has none of its secrets. */
  check({ headers }: FastifyRequest): void {
    if (this.digests.length === 0) {
      throw new Problem('not_found', 'This deployment takes no events of IVS here: see IVS_EVENTS_SECRET.');
    }
    const given = headers[ingestHeader];
    const sent = digest(typeof given === 'string' ? given : '');
    // Each is compared, so the time does not tell which of two it was.
    if (!this.digests.map((known) => timingSafeEqual(known, sent)).includes(true)) {
      throw new Problem('unauthenticated', `Send the secret of IVS_EVENTS_SECRET in the header ${ingestHeader}.`);
    }
  }
}

/** A digest has a fixed length. So the time of the comparison depends on nothing that the sender does not know. */
function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
