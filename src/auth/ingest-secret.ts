import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Settings } from '../config.ts';
import { Problem } from '../errors.ts';
import { isSameSecret } from '../secrets/same-secret.ts';

/** The header in which an API destination of EventBridge sends its secret. */
export const ingestHeader = 'x-stagedoor-ingest-secret';

/** Checks the secret of what EventBridge sends. */
@Injectable()
export class IngestSecret {
  constructor(private readonly settings: Settings) {}

  /** @throws Problem `not_found` if the deployment has no secret, and `unauthenticated` if the request has none of its secrets. */
  check({ headers }: FastifyRequest): void {
    const { ivsEventsSecrets: secrets } = this.settings;
    if (secrets.length === 0) {
      throw new Problem('not_found', 'This deployment takes no events of IVS here: see IVS_EVENTS_SECRET.');
    }
    const given = headers[ingestHeader];
    const sent = typeof given === 'string' ? given : '';
    // Each is compared, so the time does not tell which of two it was.
    if (!secrets.map((secret) => isSameSecret(sent, secret)).includes(true)) {
      throw new Problem('unauthenticated', `Send the secret of IVS_EVENTS_SECRET in the header ${ingestHeader}.`);
    }
  }
}
