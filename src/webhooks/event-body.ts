import { eventId } from '../events/event-id.ts';

/** The type of a test event. It is in no log. */
export const testType = 'webhook.test';

/** An event of a delivery, as the database has it. */
export interface DeliveredEvent {
  tenant_id: string;
  /** The place in the log; 0: it is in none. */
  place: number;
  /** The UUID of the event there. */
  event: string;
  type: string;
  space_id: string | null;
  user_id: string | null;
  at: Date;
  data: Record<string, unknown>;
}

/** The id and the body of a webhook: the event as the list of events shows it. */
export function bodyOf(event: DeliveredEvent): { id: string; body: string } {
  const id = eventId(event.place, event.event);
  const body = JSON.stringify({
    id,
    type: event.type,
    tenantId: event.tenant_id,
    ...(event.space_id !== null && { spaceId: event.space_id }),
    ...(event.user_id !== null && { userId: event.user_id }),
    at: event.at.toISOString(),
    data: event.data,
  });
  return { id, body };
}
