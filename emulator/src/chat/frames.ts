import { iso } from '../clock.ts';
import { randomId } from '../ids.ts';

/** A frame with an event, from the service to its clients (AWS docs, Chat Messaging API). */
export interface EventFrame {
  Type: 'EVENT';
  Id: string;
  RequestId?: string;
  EventName: string;
  Attributes: Record<string, string>;
  SendTime: string;
}

export interface MessageFrame {
  Type: 'MESSAGE';
  Id: string;
  RequestId?: string;
  Attributes: Record<string, string>;
  Content: string;
  SendTime: string;
  Sender: { UserId: string; Attributes: Record<string, string> };
}

export interface ErrorFrame {
  Type: 'ERROR';
  Id: string;
  RequestId?: string;
  ErrorCode: number;
  ErrorMessage: string;
}

/** A time in ISO 8601 with nine digits after the point, as in AWS's samples. */
export function sendTime(now: number): string {
  return iso(now).replace('Z', '000000Z');
}

export function eventFrame(
  now: number,
  name: string,
  attributes: Record<string, string>,
  requestId?: string,
): EventFrame {
  return {
    Type: 'EVENT',
    Id: randomId(),
    ...(requestId !== undefined && { RequestId: requestId }),
    EventName: name,
    Attributes: attributes,
    SendTime: sendTime(now),
  };
}

/**
 * The event that asks clients to remove a message from their display. It has `MessageId` and the deprecated
 * `MessageID`, because the official client reads only the deprecated one (observed in SDK).
 */
export function deleteMessageFrame(now: number, id: string, reason?: string, requestId?: string): EventFrame {
  const attributes = { MessageId: id, MessageID: id, ...(reason !== undefined && { Reason: reason }) };
  return eventFrame(now, 'aws:DELETE_MESSAGE', attributes, requestId);
}

export function disconnectUserFrame(now: number, userId: string, reason?: string, requestId?: string): EventFrame {
  const attributes = { UserId: userId, ...(reason !== undefined && { Reason: reason }) };
  return eventFrame(now, 'aws:DISCONNECT_USER', attributes, requestId);
}

/**
 * The answer to a request that fails. It has the `RequestId` of the request. Its `Id` is the one of the operation, or a
 * new one if the operation has none (AWS docs, Chat Messaging API, Error Messages).
 */
export function errorFrame(code: number, message: string, requestId?: string, operationId?: string): ErrorFrame {
  return {
    Type: 'ERROR',
    Id: operationId ?? randomId(),
    ...(requestId !== undefined && { RequestId: requestId }),
    ErrorCode: code,
    ErrorMessage: message,
  };
}
