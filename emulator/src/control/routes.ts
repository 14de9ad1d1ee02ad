import type { IncomingMessage } from 'node:http';
import { json, type Reply } from '../http/reply.ts';
import type { ParticipantRef } from '../stage/control.ts';
import { StageRefusal } from '../stage/refusal.ts';
import { ControlError, type Controls } from './controls.ts';
import { permission } from './origins.ts';

/** The parts of a request to the control API. */
interface ControlRequest {
  body: Record<string, unknown>;
  query: URLSearchParams;
  /** The last part of the path. Routes that end in `*` use it. */
  label: string;
}

type Route = (controls: Controls, request: ControlRequest) => unknown;

/**
 * The routes of the control API, by HTTP method and path below `/_emulator/`. Most call the method of `Emulator` of
 * that name.
 */
const ROUTES: Record<string, Route> = {
  'GET health': () => ({ emulator: 'ivs-emulator', aws: false }),
  'POST join': (controls, { body }) => controls.join(text(body, 'token'), object(body, 'client')),
  'POST ingest': (controls, { body }) => controls.ingest(text(body, 'streamKey')),
  'POST leave': (controls, { body }) => controls.leave(participant(body)),
  'POST publish': (controls, { body }) => controls.publish(participant(body)),
  'POST unpublish': (controls, { body }) => controls.unpublish(participant(body)),
  'POST mute': (controls, { body }) => controls.mute(participant(body), flag(body, 'muted')),
  'POST subscribe': (controls, { body }) => controls.subscribe(participant(body), text(body, 'remoteParticipantId')),
  'POST unsubscribe': (controls, { body }) =>
    controls.unsubscribe(participant(body), text(body, 'remoteParticipantId')),
  'POST exchange': (controls, { body }) => controls.exchange(participant(body), text(body, 'token')),
  'GET participants': (controls, { query }) => ({ participants: controls.participants(query.get('stageArn') ?? '') }),
  'GET faults': (controls) => ({ faults: controls.faults }),
  'POST faults': (controls, { body }) => controls.fault(body as never),
  'DELETE faults': (controls) => controls.clearFaults(),
  'DELETE faults/*': (controls, { label }) => controls.clearFaults(Number(label)),
  'GET journal': (controls, { query }) => ({ calls: controls.journal(journalQuery(query)) }),
  'DELETE journal': (controls) => controls.clearJournal(),
  'GET quotas': (controls) => controls.quotas,
  'PUT quotas': (controls, { body }) => {
    controls.setQuotas(body);
    return controls.quotas;
  },
  'GET switches': (controls) => controls.switches,
  'PUT switches': (controls, { body }) => {
    controls.setSwitches(body);
    return controls.switches;
  },
  'POST clock': (controls, { body }) => controls.skip(Number(body['skipSeconds'])),
  'GET chat': (controls, { query }) => ({ connections: controls.chatConnections(query.get('roomArn') ?? undefined) }),
  'POST chat/cut': (controls, { body }) => ({ cut: controls.cutChat(body) }),
  'GET chat/review-handlers': (controls) => controls.reviewHandlers,
  'PUT chat/review-handlers': (controls, { body }) => {
    controls.setReviewHandlers(body as Record<string, string>);
    return controls.reviewHandlers;
  },
  'GET events': (controls) => ({ events: controls.events() }),
  'POST events': (controls, { body }) => controls.sendEvent(body as never),
  'GET events/settings': (controls) => controls.eventSettings,
  'PUT events/settings': (controls, { body }) => {
    controls.setEvents(body);
    return controls.eventSettings;
  },
  'GET overview': (controls) => controls.overview(),
  'POST reset': (controls) => controls.reset(),
};

/** Answers a request to the control API. */
export async function answerControl(controls: Controls, request: IncomingMessage, body: Buffer): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'http://emulator');
  const path = url.pathname.slice('/_emulator/'.length);
  const origin = permission(request, path);
  if ('refused' in origin) return json(403, { message: origin.refused });
  if (request.method === 'OPTIONS')
    return { status: 204, headers: { ...origin.headers, allow: 'GET, POST' }, body: '' };
  const label = path.slice(path.indexOf('/') + 1);
  const route =
    ROUTES[`${request.method} ${path}`] ?? ROUTES[`${request.method} ${path.slice(0, path.indexOf('/'))}/*`];
  if (!route) return json(404, { message: `there is no ${request.method} ${url.pathname}` });
  try {
    const result = await route(controls, { body: readJson(body), query: url.searchParams, label });
    return json(200, result ?? {}, origin.headers);
  } catch (error) {
    if (error instanceof StageRefusal) return json(403, { code: error.code, message: error.message }, origin.headers);
    if (error instanceof ControlError) return json(400, { message: error.message }, origin.headers);
    throw error;
  }
}

function readJson(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new ControlError('the body must be JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ControlError('the body must be a JSON object');
  }
  return value as Record<string, unknown>;
}

function text(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value !== 'string') throw new ControlError(`${name} must be a string`);
  return value;
}

function flag(body: Record<string, unknown>, name: string): boolean {
  const value = body[name];
  if (typeof value !== 'boolean') throw new ControlError(`${name} must be true or false`);
  return value;
}

function participant(body: Record<string, unknown>): ParticipantRef {
  const { connection } = body;
  const ref = { stageArn: text(body, 'stageArn'), participantId: text(body, 'participantId') };
  return typeof connection === 'number' ? { ...ref, connection } : ref;
}

function object(body: Record<string, unknown>, name: string): Record<string, string> | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null) throw new ControlError(`${name} must be an object`);
  return value as Record<string, string>;
}

function journalQuery(query: URLSearchParams): Parameters<Controls['journal']>[0] {
  const names = ['operation', 'account', 'region'] as const;
  return {
    ...Object.fromEntries(names.filter((name) => query.has(name)).map((name) => [name, query.get(name)])),
    ...(query.has('after') && { after: Number(query.get('after')) }),
    ...(query.has('limit') && { limit: Number(query.get('limit')) }),
  };
}
