import { setTimeout as delay } from 'node:timers/promises';

/** Longest time to send the spans that are still buffered, in milliseconds. */
const flushWithinMs = 2_000;

/**
 * Sends traces to an OpenTelemetry collector by OTLP over HTTP. Without an endpoint it does nothing and does not load the
 * SDK. Returns a function that sends the spans that are still buffered.
 */
export async function startTracing(endpoint: string | undefined): Promise<() => Promise<void>> {
  if (endpoint === undefined) return async () => {};
  const [{ OTLPTraceExporter }, { resourceFromAttributes }, { BatchSpanProcessor, NodeTracerProvider }] =
    await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-node'),
    ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'stagedoor' }),
    spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 1_000 })],
  });
  provider.register();
  return async () => {
    // A collector that does not answer must not hold up the end of the process.
    await Promise.race([provider.forceFlush().catch(() => undefined), delay(flushWithinMs, undefined, { ref: false })]);
  };
}
