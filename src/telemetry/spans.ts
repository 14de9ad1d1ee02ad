import { hash } from 'node:crypto';
import {
  type Attributes,
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
  TraceFlags,
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
  return await inside(name, { attributes, kind }, work);
}

async function inside<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  return await tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
      throw error;
    } finally {
      span.end();
    }
  });
}

/**
 * Runs `work`, a call by HTTP to a server of somebody else, inside a span. The span has the name of the server, and neither the
 * path nor the query, which may hold secrets.
 * @param work gets what tells the span the status of the answer.
 */
export async function inHttpSpan<T>(
  method: string,
  url: string,
  work: (answered: (status: number) => void) => Promise<T>,
): Promise<T> {
  const attributes = { 'http.request.method': method, 'server.address': new URL(url).hostname };
  return await inside(method, { attributes, kind: SpanKind.CLIENT }, (span) =>
    work((status) => void span.setAttribute('http.response.status_code', status)),
  );
}

/** Whether tracing.ts has loaded the SDK. */
const isTracing = (): boolean => propagation.fields().length > 0;

/**
 * The place in the trace of a thing that outlives the request which it came from: an action, a delivery of a webhook. Its ids
 * follow from the id of the thing. So every replica has the same, at each attempt, and nobody stores them.
 */
function placeOf(thingId: string): SpanContext {
  const digest = hash('sha256', `trace of ${thingId}`, 'hex');
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48), traceFlags: TraceFlags.SAMPLED };
}

/** Notes in the current span, that of a request, the trace of a thing: there is what is done for it later. */
export function linkTo(thingId: string): void {
  if (isTracing()) trace.getActiveSpan()?.addLink({ context: placeOf(thingId) });
}

/** Runs `work` in the trace of a thing, unless a request waits for it: then in the trace of that. */
export async function inTraceOf<T>(thingId: string, work: () => Promise<T>): Promise<T> {
  if (!isTracing() || trace.getActiveSpan()) return await work();
  return await context.with(trace.setSpanContext(ROOT_CONTEXT, placeOf(thingId)), work);
}

/**
 * Runs `work` in a span of the trace of a thing, whatever request has woken it.
 * @param cause id of a thing whose trace says why.
 * @param work gets the header fields that tell another system of the span (W3C Trace Context): none, if nothing is traced.
 * They have no id of the trace of whoever asked.
 */
export async function inSpanFor<T>(
  thingId: string,
  name: string,
  cause: string | undefined,
  work: (headers: Record<string, string>) => Promise<T>,
): Promise<T> {
  if (!isTracing()) return await work({});
  const links = cause === undefined ? [] : [{ context: placeOf(cause) }];
  return await context.with(trace.setSpanContext(ROOT_CONTEXT, placeOf(thingId)), () =>
    inside(name, { links, kind: SpanKind.PRODUCER }, () => {
      const headers: Record<string, string> = {};
      propagation.inject(context.active(), headers);
      return work(headers);
    }),
  );
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
