/**
 * Sends traces to an OpenTelemetry collector by OTLP over HTTP. Without an endpoint it does nothing and does not load the
 * SDK. On SIGTERM it sends the spans that are still buffered.
 */
export async function startTracing(endpoint: string | undefined): Promise<void> {
  if (endpoint === undefined) return;
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
  process.once('SIGTERM', () => void provider.forceFlush().catch(() => undefined));
}
