import type { ChatTokenContent } from '../chat/token-format.ts';
import type { ChatTokenCapability } from '../chat/types.ts';
import { Bucket } from '../quotas/bucket.ts';
import { attributesProblem } from '../state/attributes.ts';
import { parseArn } from '../arns.ts';
import type { Room } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { codePoints } from '../wire/text.ts';
import { randomId } from '../ids.ts';
import { announce } from './announce.ts';
import { type MessageFrame, sendTime } from '../chat/frames.ts';
import { deleteMessageIn, disconnectUserFrom } from './moderation.ts';
import type { Verdict } from '../chat/review.ts';

/**
 * The refusal of an action. `code` is the code of the ERROR frame, and `operationId` its `Id` (AWS docs, Chat Messaging
 * API, Error Messages): the identifier of the operation, if IVS has made one before the refusal. The only refusal after
 * that is the one of a message review, whose handler knows the id of the message.
 */
export class ActionRefusal extends Error {
  override readonly name = 'ActionRefusal';
  readonly code: number;
  readonly operationId: string | undefined;

  constructor(code: number, message: string, operationId?: string) {
    super(message);
    this.code = code;
    this.operationId = operationId;
  }
}

/** A request from a client. `parseAction` has checked the types of its members. */
export interface ActionRequest {
  Action: ChatTokenCapability;
  RequestId?: string;
  Content?: string;
  Attributes?: Record<string, string>;
  Id?: string;
  UserId?: string;
  Reason?: string;
}

/** The room of an action, and the token of the connection that it came over. */
export interface ActionContext {
  world: World;
  room: Room;
  token: ChatTokenContent;
  /** The address of the client. */
  ip: string;
  /** Counts the messages of the whole room. */
  roomBucket: Bucket;
}

const STRINGS = ['RequestId', 'Content', 'Id', 'UserId', 'Reason'] as const;

/**
 * The `RequestId` in a frame that may be refused for anything else. Returns `undefined` when none can be read. The
 * official client waits for an answer with its `RequestId`, without a time limit.
 */
export function requestIdOf(text: string): string | undefined {
  try {
    const requestId = (JSON.parse(text) as { RequestId?: unknown } | null)?.RequestId;
    return typeof requestId === 'string' ? requestId : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a frame from a client.
 *
 * @throws ActionRefusal when the frame is malformed.
 */
export function parseAction(text: string): ActionRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ActionRefusal(400, 'the request is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ActionRefusal(400, 'the request is not an object');
  }
  const request = value as Record<string, unknown>;
  if (typeof request['Action'] !== 'string' || !Object.hasOwn(ACTIONS, request['Action'])) {
    throw new ActionRefusal(400, `Action must be one of ${Object.keys(ACTIONS).join(', ')}`);
  }
  for (const name of STRINGS) {
    const member = request[name];
    if (member !== undefined && member !== null && typeof member !== 'string') {
      throw new ActionRefusal(400, `${name} must be a string`);
    }
    if (member === null) delete request[name];
  }
  request['Attributes'] = readAttributes(request['Attributes']);
  return request as unknown as ActionRequest;
}

function readAttributes(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  const isMap = typeof value === 'object' && !Array.isArray(value);
  if (!isMap || Object.values(value).some((item) => typeof item !== 'string')) {
    throw new ActionRefusal(400, 'Attributes must be an object of strings');
  }
  return value as Record<string, string>;
}

/**
 * Performs an action.
 *
 * @throws ActionRefusal when the token does not allow it, or the request breaks a rule or a rate.
 */
export async function perform(context: ActionContext, request: ActionRequest): Promise<void> {
  if (!context.token.capabilities.includes(request.Action)) {
    throw new ActionRefusal(403, `this token does not allow ${request.Action}`);
  }
  await ACTIONS[request.Action](context, request);
}

const ACTIONS: Record<ChatTokenCapability, (context: ActionContext, request: ActionRequest) => void | Promise<void>> = {
  SEND_MESSAGE: sendMessage,
  DELETE_MESSAGE: deleteMessage,
  DISCONNECT_USER: disconnectUser,
};

async function sendMessage(context: ActionContext, request: ActionRequest): Promise<void> {
  const { world, room, token, roomBucket } = context;
  const { Content: content = '', Attributes: attributes = {}, RequestId: requestId } = request;
  if (content === '') throw new ActionRefusal(400, 'Content must not be empty');
  if (codePoints(content) > room.maximumMessageLength) {
    throw new ActionRefusal(400, `Content must be at most ${room.maximumMessageLength} characters`);
  }
  requireAttributesFit(world, attributes);
  const now = world.clock.now();
  if (!roomBucket.take(now, room.maximumMessageRatePerSecond)) {
    throw new ActionRefusal(429, `the room takes ${room.maximumMessageRatePerSecond} messages a second`);
  }
  const id = randomId();
  const verdict = await review(context, { id, content, attributes });
  if (verdict.result === 'DENY') throw new ActionRefusal(406, verdict.reason, id);
  const frame: MessageFrame = {
    Type: 'MESSAGE',
    Id: id,
    ...(requestId !== undefined && { RequestId: requestId }),
    Attributes: verdict.attributes,
    Content: verdict.content,
    SendTime: sendTime(now),
    Sender: { UserId: token.userId, Attributes: token.attributes },
  };
  announce(world, room.arn, frame);
}

/** Reviews a message. A room without a review handler allows every message. */
async function review(
  { world, room, token, ip }: ActionContext,
  message: { id: string; content: string; attributes: Record<string, string> },
): Promise<Verdict> {
  const { id, content, attributes } = message;
  const handler = room.messageReviewHandler;
  if (!handler?.uri) return { result: 'ALLOW', content, attributes };
  const event = {
    Content: content,
    MessageId: id,
    RoomArn: room.arn,
    Attributes: attributes,
    Sender: { Attributes: token.attributes, UserId: token.userId, Ip: ip },
  };
  return await world.reviewHandlers.review(handler, event, room.maximumMessageLength);
}

function requireAttributesFit(world: World, attributes: Record<string, string>): void {
  const problem = attributesProblem(attributes, world.switches);
  if (problem) throw new ActionRefusal(413, `Attributes ${problem}`);
}

function deleteMessage(context: ActionContext, request: ActionRequest): void {
  const { world, room } = context;
  const { Id: id = '', Reason: reason, RequestId: requestId } = request;
  if (!/^[a-zA-Z0-9]{12}$/.test(id)) throw new ActionRefusal(400, 'Id must be the id of a message');
  requireReasonFits(reason);
  takeFromOperationRate(context, 'DeleteMessage');
  deleteMessageIn(world, room.arn, id, reason, requestId);
}

function disconnectUser(context: ActionContext, request: ActionRequest): void {
  const { world, room } = context;
  const { UserId: userId = '', Reason: reason, RequestId: requestId } = request;
  if (userId === '' || codePoints(userId) > 128) throw new ActionRefusal(400, 'UserId must have 1 to 128 characters');
  requireReasonFits(reason);
  takeFromOperationRate(context, 'DisconnectUser');
  disconnectUserFrom(world, room.arn, userId, reason, requestId);
}

function requireReasonFits(reason: string | undefined): void {
  if (reason !== undefined && (reason === '' || codePoints(reason) > 256)) {
    throw new ActionRefusal(400, 'Reason must have 1 to 256 characters');
  }
}

/** Counts an action against the rate of the operation with the same purpose (AWS docs, service quotas). */
function takeFromOperationRate({ world, room }: ActionContext, operation: string): void {
  const arn = parseArn(room.arn);
  if (!world.rates.take(arn?.account ?? '', arn?.region ?? '', 'ivschat', operation)) {
    throw new ActionRefusal(429, `${operation} exceeds the rate of its account`);
  }
}
