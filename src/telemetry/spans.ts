import { type Attributes, context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** Without an SDK behind it (see tracing.ts) this makes spans that are nothing and cost next to nothing. */
const tracer = trace.getTracer('stagedoor');

/** Runs `work` inside a span. Attributes are names of operations and results; never an id of a person, a token or a key. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
  kind = SpanKind.CLIENT,
): Promise<T> {
  return await tracer.startActiveSpan(name, { attributes, kind }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Begins the span of a request, within the caller's trace if its headers name one, and runs `work` inside. */
export function beginRequestSpan(method: string, route: string, headers: object, work: () => void): Span {
  const parent = propagation.extract(context.active(), headers);
  const attributes = { 'http.request.method': method, 'http.route': route };
  const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
  context.with(trace.setSpan(parent, span), work);
  return span;
}

/** Ends the span of a request with its answer's status. */
export function endRequestSpan(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
