import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const bucketsInSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** How long collected metrics are served, in milliseconds. */
const collectEveryMs = 1_000;

/** All metrics of the service. Labels come from closed sets: a tenant, a user or an id is never a label. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly requests = new Histogram({
    name: 'stagedoor_http_request_duration_seconds',
    help: 'Time from the request to its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: bucketsInSeconds,
    registers: [this.registry],
  });

  readonly vends = new Counter({
    name: 'stagedoor_vends_total',
    help: 'Requests for tokens, by kind of token, outcome (released, refused, failed) and reason.',
    labelNames: ['kind', 'outcome', 'reason'] as const,
    registers: [this.registry],
  });

  readonly limited = new Counter({
    name: 'stagedoor_limited_requests_total',
    help: 'Requests that were refused because of a limit of the service, by limit (address, user, apiKey, tenant, atOnce).',
    labelNames: ['limit'] as const,
    registers: [this.registry],
  });

  readonly refusedConnections = new Counter({
    name: 'stagedoor_refused_connections_total',
    help: 'Connections that were refused because too many are open, by reason (address, replica).',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });

  readonly vendTurns = new Histogram({
    name: 'stagedoor_vend_turn_wait_seconds',
    help: 'Time that requests for tokens wait until their vend begins, if the replica is busy, by outcome (given, refused).',
    labelNames: ['outcome'] as const,
    buckets: bucketsInSeconds,
    registers: [this.registry],
  });

  readonly differingKeys = new Counter({
    name: 'stagedoor_signing_key_differences_total',
    help: 'Differences between the signing keys of the service and the public keys that IVS lists, each time that they are found: missing (IVS does not have a key), unknown (IVS has a key of a tenant that the service does not know).',
    labelNames: ['found'] as const,
    registers: [this.registry],
  });

  readonly signatures = new Gauge({
    name: 'stagedoor_signatures_per_second',
    help: 'Stage tokens that one processor can sign in a second, measured at the start, by which OpenSSL signs (node, system, provider).',
    labelNames: ['openssl'] as const,
    registers: [this.registry],
  });

  readonly vendGroups = new Histogram({
    name: 'stagedoor_vend_group_size',
    help: 'Vends that one call decides on together, by step (admit, settle). A vend that is decided alone is in no group.',
    labelNames: ['step'] as const,
    buckets: [2, 4, 8, 16, 32, 64],
    registers: [this.registry],
  });

  readonly vendGroupTenants = new Histogram({
    name: 'stagedoor_vend_group_tenants',
    help: 'Tenants of the vends that one call decides on together, by step (admit, settle).',
    labelNames: ['step'] as const,
    buckets: [1, 2, 4, 8, 16, 32],
    registers: [this.registry],
  });

  readonly vendsLeft = new Counter({
    name: 'stagedoor_vends_left_group_total',
    help: 'Vends that left their group and were decided alone, by step and reason: the check that was not plain, lock or failed.',
    labelNames: ['step', 'reason'] as const,
    registers: [this.registry],
  });

  readonly ivsCalls = new Histogram({
    name: 'stagedoor_ivs_call_duration_seconds',
    help: 'Calls to Amazon IVS, by operation and result (ok, or the kind of the failure).',
    labelNames: ['operation', 'result'] as const,
    buckets: bucketsInSeconds,
    registers: [this.registry],
  });

  readonly ivsTurns = new Histogram({
    name: 'stagedoor_ivs_turn_wait_seconds',
    help: 'Time that calls to Amazon IVS wait for the turn of their tenant, by operation and outcome (given, refused).',
    labelNames: ['operation', 'outcome'] as const,
    buckets: bucketsInSeconds,
    registers: [this.registry],
  });

  readonly kmsCalls = new Histogram({
    name: 'stagedoor_kms_call_duration_seconds',
    help: 'Calls to AWS KMS, by operation and result (ok, refused, unavailable).',
    labelNames: ['operation', 'result'] as const,
    buckets: bucketsInSeconds,
    registers: [this.registry],
  });

  readonly jwksFetches = new Counter({
    name: 'stagedoor_jwks_fetches_total',
    help: 'Fetches of the keys of issuers, by result (ok, failed).',
    labelNames: ['result'] as const,
    registers: [this.registry],
  });

  readonly issuerKeysImported = new Counter({
    name: 'stagedoor_issuer_keys_imported_total',
    help: 'Inline keys of issuers that were read from the database and imported, for each version of an issuer once.',
    registers: [this.registry],
  });

  readonly silence = new Histogram({
    name: 'stagedoor_time_to_silence_seconds',
    help: 'Time from the request of a moderator to the end of the last connection that it concerns.',
    labelNames: ['kind'] as const,
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers: [this.registry],
  });

  readonly deliveries = new Counter({
    name: 'stagedoor_deliveries_total',
    help: 'Moderation calls to Amazon IVS, by operation and outcome (done, not_connected, retry, stuck).',
    labelNames: ['operation', 'outcome'] as const,
    registers: [this.registry],
  });

  readonly stuckDeliveries = new Gauge({
    name: 'stagedoor_stuck_deliveries',
    help: 'Deliveries that Amazon IVS refuses to the service. A value above zero needs an operator.',
    registers: [this.registry],
  });

  readonly overdueDeliveries = new Gauge({
    name: 'stagedoor_overdue_deliveries',
    help: 'Deliveries that have waited for more than ten seconds.',
    registers: [this.registry],
  });

  readonly oldestDelivery = new Gauge({
    name: 'stagedoor_oldest_delivery_seconds',
    help: 'Age of the oldest delivery that is needed and not done, since it was due for the first time.',
    registers: [this.registry],
  });

  readonly returningParticipants = new Gauge({
    name: 'stagedoor_returning_participants',
    help: 'Participants whom Amazon IVS has disconnected at least three times in five minutes: they come back, or do not go.',
    registers: [this.registry],
  });

  readonly oldestLook = new Gauge({
    name: 'stagedoor_oldest_look_seconds',
    help: 'Time since the last whole look at the stage that waits longest for one. Looks find who comes back.',
    registers: [this.registry],
  });

  readonly failingWatches = new Gauge({
    name: 'stagedoor_failing_watches',
    help: 'Stages that are watched and whose looks fail.',
    registers: [this.registry],
  });

  readonly unsealedAudit = new Gauge({
    name: 'stagedoor_unsealed_audit_entries',
    help: 'Audit entries that are in no hash chain yet, counted to 100,000.',
    registers: [this.registry],
  });

  readonly oldestUnsealedAudit = new Gauge({
    name: 'stagedoor_oldest_unsealed_audit_entry_seconds',
    help: 'Age of the oldest audit entry that is in no hash chain yet.',
    registers: [this.registry],
  });

  readonly brokenAuditChains = new Gauge({
    name: 'stagedoor_broken_audit_chains',
    help: 'Tenants whose audit log was changed from outside, as the last pass of this replica found. Must be zero.',
    registers: [this.registry],
  });

  readonly overdueAudit = new Gauge({
    name: 'stagedoor_oldest_overdue_audit_entry_seconds',
    help: 'Time for which the oldest audit entry should have been deleted, as the last pass of this replica found.',
    registers: [this.registry],
  });

  readonly oldestErasure = new Gauge({
    name: 'stagedoor_oldest_erasure_seconds',
    help: 'Age of the oldest erasure that is not finished, since it was asked for.',
    registers: [this.registry],
  });

  readonly oldestTenantEnd = new Gauge({
    name: 'stagedoor_oldest_tenant_end_seconds',
    help: 'Age of the oldest end of a tenant that is not finished, since it was asked for.',
    registers: [this.registry],
  });

  readonly oldestUnfinishedAction = new Gauge({
    name: 'stagedoor_oldest_unfinished_action_seconds',
    help: 'Age of the oldest action that is not against all of its grants yet, since it was asked for.',
    registers: [this.registry],
  });

  readonly undeliveredBans = new Gauge({
    name: 'stagedoor_bans_without_delivery',
    help: 'Grants of banned users that the service does not act on. Must be zero.',
    registers: [this.registry],
  });

  readonly wrongPlaces = new Counter({
    name: 'stagedoor_wrong_places_total',
    help: 'Users of spaces with a capacity whom the watchdog found counted wrongly, and counted anew.',
    registers: [this.registry],
  });

  readonly webhookCalls = new Histogram({
    name: 'stagedoor_webhook_call_duration_seconds',
    help: 'Calls to webhook endpoints, by result (delivered, or the kind of the failure).',
    labelNames: ['result'] as const,
    buckets: bucketsInSeconds,
    registers: [this.registry],
  });

  readonly webhookDelay = new Histogram({
    name: 'stagedoor_webhook_delay_seconds',
    help: 'Time from an event until a webhook endpoint has taken it. Replays and tests are left out.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600, 36000, 360000],
    registers: [this.registry],
  });

  readonly openWebhookDeliveries = new Gauge({
    name: 'stagedoor_webhook_deliveries_open',
    help: 'Webhooks that are to be sent, or sent again.',
    registers: [this.registry],
  });

  readonly failingWebhooks = new Gauge({
    name: 'stagedoor_webhooks_failing',
    help: 'Enabled webhook endpoints whose last five attempts failed.',
    registers: [this.registry],
  });

  readonly oldestWebhook = new Gauge({
    name: 'stagedoor_oldest_webhook_seconds',
    help: 'Age of the oldest event that an enabled webhook endpoint has not taken. Failing endpoints are left out.',
    registers: [this.registry],
  });

  readonly audit = new Counter({
    name: 'stagedoor_audit_sealed_total',
    help: 'Audit entries that were added to a hash chain.',
    registers: [this.registry],
  });

  readonly events = new Counter({
    name: 'stagedoor_events_total',
    help: 'Events that this replica has put into the logs of their tenants.',
    registers: [this.registry],
  });

  readonly eventStreams = new Gauge({
    name: 'stagedoor_event_streams',
    help: 'Streams of events that are open on this replica.',
    registers: [this.registry],
  });

  readonly ivsEvents = new Counter({
    name: 'stagedoor_ivs_events_total',
    help: 'Events of IVS that EventBridge has brought, by way (http, queue) and outcome (taken, known, ignored, busy, malformed, failed) and reason.',
    labelNames: ['way', 'outcome', 'reason'] as const,
    registers: [this.registry],
  });

  readonly ivsEventAge = new Histogram({
    name: 'stagedoor_ivs_event_age_seconds',
    help: 'Time from an event of IVS, by the clock of IVS, until it is stored.',
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600, 36000],
    registers: [this.registry],
  });

  private collected: { text: Promise<string>; at: number; isRunning: boolean } | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /**
   * All metrics in the format of Prometheus. They are collected once in a second at most, and never twice at a time, because
   * collecting takes as much time as many requests.
   */
  async text(): Promise<string> {
    const { collected } = this;
    if (collected && (collected.isRunning || performance.now() - collected.at < collectEveryMs))
      return await collected.text;
    const next = { text: this.registry.metrics(), at: performance.now(), isRunning: true };
    this.collected = next;
    try {
      return await next.text;
    } finally {
      next.isRunning = false;
    }
  }
}
