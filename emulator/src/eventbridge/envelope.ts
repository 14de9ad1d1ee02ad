import { randomUUID } from 'node:crypto';

/** What IVS Real-Time tells EventBridge about (AWS docs, RealTimeUserGuide). Of IVS Chat no events are known. */
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
  /** ISO 8601, whole seconds. */
  time: string;
  region: string;
  resources: string[];
  detail: { event_name: string } & Record<string, string>;
}

/** Puts what happened into the envelope. */
export function envelope(
  where: { account: string; region: string },
  happened: { at: number; type: DetailType; resource: string; detail: EventBridgeEvent['detail'] },
): EventBridgeEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': happened.type,
    source: 'aws.ivs',
    account: where.account,
    time: wholeSeconds(happened.at),
    region: where.region,
    resources: [happened.resource],
    detail: happened.detail,
  };
}

/** ISO 8601 without a fraction, as events have it (AWS samples). */
export function wholeSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
