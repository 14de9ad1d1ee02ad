import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

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

  readonly audit = new Counter({
    name: 'stagedoor_audit_sealed_total',
    help: 'Audit entries that were given their place in a hash chain.',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
