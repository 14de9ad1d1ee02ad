import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import { invalid } from '../errors.ts';
import { eventId, idOfPlace, positionOf } from './event-id.ts';
import { type LoggedEvent, readEvents } from './event-log.ts';
import { IssuedGrants } from './issued-grants.ts';
import type { EventAnswer, EventPage, EventsQuery } from './events.schemas.ts';

@Injectable()
export class EventsService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly issuedGrants: IssuedGrants,
  ) {}

  /** Lists the events of the caller's tenant, the oldest first. @throws Problem `invalid_request` for a place that is none. */
  async list(caller: TenantCaller, query: EventsQuery): Promise<EventPage> {
    const { type: types, spaceId, userId, since, limit, cursor } = query;
    const after = placeOf('cursor', cursor) ?? placeOf('after', query.after) ?? 0;
    const found = await this.database.inTenantOf(caller, (tx) =>
      readEvents(tx, caller.tenantId, { after, limit, types, spaceId, userId, since }),
    );
    assertInLog(query.cursor === undefined ? 'after' : 'cursor', after, found.last);
    await this.issuedGrants.askFor(caller.tenantId, types);
    return {
      data: found.events.map(toEvent),
      nextCursor: idOfPlace(found.position),
      hasMore: found.position < found.last,
      missed: found.missed,
    };
  }
}

/** The place that an id or a cursor names; undefined if there is none. @throws Problem `invalid_request` */
export function placeOf(field: string, id: string | undefined): number | undefined {
  if (id === undefined) return undefined;
  const place = positionOf(id);
  if (place === undefined) throw invalid(field, 'must be the id of an event, or a nextCursor of this list');
  return place;
}

/** @throws Problem `invalid_request` if the place is beyond the end of the log, so that events there would be missed. */
export function assertInLog(field: string, place: number, last: number): void {
  if (place > last) throw invalid(field, 'names no event of this tenant. Leave it out, or begin with since');
}

/** An event, as answers and streams show it. */
export function toEvent({ id, position, type, tenantId, spaceId, userId, at, data }: LoggedEvent): EventAnswer {
  return {
    id: eventId(position, id),
    type: type as EventAnswer['type'],
    tenantId,
    ...(spaceId !== null && { spaceId }),
    ...(userId !== null && { userId }),
    at: at.toISOString(),
    data: data as EventAnswer['data'],
  };
}
