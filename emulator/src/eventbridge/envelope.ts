import { randomUUID } from 'node:crypto';

/**
 * The kinds of events that IVS Real-Time sends to EventBridge (AWS docs, RealTimeUserGuide). No events of IVS Chat are
 * known.
 */
export const DETAIL_TYPES = [
  'IVS Stage Update',
  'IVS Composition State Change',
  'IVS Participant Recording State Change',
] as const;

export type DetailType = (typeof DETAIL_TYPES)[number];

/** An event in EventBridge's envelope (AWS docs). */
export interface EventBridgeEvent {
  version: '0';
  id: string;
  'detail-type': DetailType;
  source: 'aws.ivs';
  account: string;
  /** In ISO 8601, with whole seconds. */
  time: string;
  region: string;
  resources: string[];
  detail: { event_name: string } & Record<string, string>;
}

/** Makes an event of what happened. */
export function envelope(
  source: { account: string; region: string },
  happened: { at: number; type: DetailType; resource: string; detail: EventBridgeEvent['detail'] },
): EventBridgeEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': happened.type,
    source: 'aws.ivs',
    account: source.account,
    time: wholeSeconds(happened.at),
    region: source.region,
    resources: [happened.resource],
    detail: happened.detail,
  };
}

/** A time in ISO 8601 without fractions of a second, the form of times in events (AWS samples). */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
