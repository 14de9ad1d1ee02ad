import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Everything the service counts. Labels are from closed sets: no tenant, user or id is ever one. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly requests = new Histogram({
    name: 'stagedoor_http_request_duration_seconds',
    help: 'Time from the request to its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: seconds,
    registers: [this.registry],
  });

  readonly vends = new Counter({
    name: 'stagedoor_vends_total',
    help: 'Vends by what was asked for, outcome (released, refused, failed) and reason.',
    labelNames: ['kind', 'outcome', 'reason'] as const,
    registers: [this.registry],
  });

  readonly ivsCalls = new Histogram({
    name: 'stagedoor_ivs_call_duration_seconds',
    help: 'Calls to Amazon IVS by operation and result (ok, or the name of the error).',
    labelNames: ['operation', 'result'] as const,
    buckets: seconds,
    registers: [this.registry],
  });

  readonly ivsTurns = new Histogram({
    name: 'stagedoor_ivs_turn_wait_seconds',
    help: 'Waits of vends for their turn to call Amazon IVS while it throttles, by operation and outcome (given, refused).',
    labelNames: ['operation', 'outcome'] as const,
    buckets: seconds,
    registers: [this.registry],
  });

  readonly jwksFetches = new Counter({
    name: 'stagedoor_jwks_fetches_total',
    help: 'Fetches of issuers’ keys by result (ok, failed).',
    labelNames: ['result'] as const,
    registers: [this.registry],
  });

  readonly silence = new Histogram({
    name: 'stagedoor_time_to_silence_seconds',
    help: 'From a moderator’s request to the end of the last connection it is about.',
    labelNames: ['kind'] as const,
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers: [this.registry],
  });

  readonly deliveries = new Counter({
    name: 'stagedoor_deliveries_total',
    help: 'Calls of moderation to IVS by operation and what came of them (done, not_connected, retry, stuck).',
    labelNames: ['operation', 'outcome'] as const,
    registers: [this.registry],
  });

  readonly stuckDeliveries = new Gauge({
    name: 'stagedoor_stuck_deliveries',
    help: 'Calls of moderation that IVS refuses the service. Anything above zero needs somebody to look.',
    registers: [this.registry],
  });

  readonly overdueDeliveries = new Gauge({
    name: 'stagedoor_overdue_deliveries',
    help: 'Calls of moderation that have waited for more than ten seconds.',
    registers: [this.registry],
  });

  readonly undeliveredBans = new Gauge({
    name: 'stagedoor_bans_without_delivery',
    help: 'Grants of banned users that nothing is being done about. Must be zero.',
    registers: [this.registry],
  });

  readonly audit = new Counter({
    name: 'stagedoor_audit_sealed_total',
    help: 'Audit entries that were given their place in a hash chain.',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
