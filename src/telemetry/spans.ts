import {
  type Attributes,
  context,
  isSpanContextValid,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** If tracing.ts has not loaded the SDK, this tracer makes empty spans, which cost almost nothing. */
const tracer = trace.getTracer('stagedoor');

/** Runs `work` inside a span. Attributes are names of operations and results, never the id of a user, a token or a key. */
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

/** What a line of the log says about the trace that it belongs to: nothing, if nothing is traced. */
export function traceOf(span: Span | undefined = trace.getActiveSpan()): { traceId?: string } {
  const context = span?.spanContext();
  return context && isSpanContextValid(context) ? { traceId: context.traceId } : {};
}

/** Starts the span of a request and runs `work` inside it. If the headers name a trace, the span belongs to it. */
export function beginRequestSpan(method: string, route: string, headers: object, work: () => void): Span {
  const parent = propagation.extract(context.active(), headers);
  const attributes = { 'http.request.method': method, 'http.route': route };
  const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
  context.with(trace.setSpan(parent, span), work);
  return span;
}

/** Ends the span of a request. `status` is the HTTP status of the answer. */
export function endRequestSpan(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
