import { generateKeyPairSync } from 'node:crypto';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  DeletePublicKeyCommand,
  DeleteStageCommand,
  DisconnectParticipantCommand,
  GetPublicKeyCommand,
  GetStageCommand,
  GetStageSessionCommand,
  ImportPublicKeyCommand,
  ListParticipantEventsCommand,
  ListParticipantsCommand,
  ListPublicKeysCommand,
  ListStageSessionsCommand,
  ListStagesCommand,
  TagResourceCommand,
} from '@aws-sdk/client-ivs-realtime';
import {
  CreateChatTokenCommand,
  CreateRoomCommand,
  DeleteMessageCommand,
  DeleteRoomCommand,
  DisconnectUserCommand,
  GetRoomCommand,
  ListRoomsCommand,
  SendEventCommand,
  TagResourceCommand as TagRoom,
} from '@aws-sdk/client-ivschat';
import type { Send } from './ivs-calls.ts';
import type { IvsFailureKind } from './ivs-errors.ts';
import { tenantTag } from './session-policy.ts';

/** A call that changes nothing: what it asks for is not there, is only read, or cannot be made. */
export interface DryCall {
  /** As in a policy of IAM: `ivs:GetStage`. */
  action: string;
  send: Send;
  /** What IVS says to a caller who may call. Without it: success. */
  allowed: IvsFailureKind[];
  /** Undoes what was made, should IVS have made something all the same. */
  undo?: Send;
}

/** The id of a stage, a room and a public key that nobody has: IVS makes up its ids at random. */
const nobodys = 'StagedoorDry';

const sessionId = 'st-StagedoorDryX';
const participantId = nobodys;

/** More than the kilobyte that the attributes of a token may have (API reference, `ParticipantTokenConfiguration`). */
const tooLong = 'x'.repeat(2_048);

/**
 * The calls that try each action that the service needs in an account. AWS decides whether a caller may call before it looks
 * whether the thing is there, so the answer tells: an error of IVS itself means that they may.
 * @param account number of the AWS account; undefined: not known, and then only calls that name nothing are returned.
 * @param tenantId the tenant whose tag the session of a role must give to what it makes.
 */
export function dryCalls(region: string, account: string | undefined, tenantId: string | undefined): DryCall[] {
  const tags = { [tenantTag]: tenantId ?? nobodys };
  const always = [...lists(), createStage(tags), importPublicKey(tags)];
  if (account === undefined) return always;
  const arnOf = (service: string, type: string) => `arn:aws:${service}:${region}:${account}:${type}/${nobodys}`;
  return [
    ...always,
    createRoom(tags, arnOf('ivschat', 'logging-configuration')),
    ...ofStages(arnOf('ivs', 'stage'), tags),
    ...ofRooms(arnOf('ivschat', 'room'), tags),
    ...ofKeys(arnOf('ivs', 'public-key')),
  ];
}

function lists(): DryCall[] {
  return [
    realTime('ListStages', [], ({ realTime: ivs }, options) =>
      ivs.send(new ListStagesCommand({ maxResults: 1 }), options),
    ),
    realTime('ListPublicKeys', [], ({ realTime: ivs }, options) =>
      ivs.send(new ListPublicKeysCommand({ maxResults: 1 }), options),
    ),
    chatCall('ListRooms', [], ({ chat }, options) => chat.send(new ListRoomsCommand({ maxResults: 1 }), options)),
  ];
}

/** IVS refuses a stage whose first token has too long attributes. */
function createStage(tags: Record<string, string>): DryCall {
  const participantTokenConfigurations = [{ attributes: { tooLong } }];
  let made: string | undefined;
  return {
    action: 'ivs:CreateStage',
    allowed: ['invalid', 'quota'],
    async send({ realTime: ivs }, options) {
      const { stage } = await ivs.send(new CreateStageCommand({ tags, participantTokenConfigurations }), options);
      made = stage?.arn;
    },
    undo: async ({ realTime: ivs }, options) => await ivs.send(new DeleteStageCommand({ arn: made }), options),
  };
}

/** IVS refuses a key that is not on the curve P-384. Nobody has the private key of this one. */
function importPublicKey(tags: Record<string, string>): DryCall {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicKeyMaterial = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  let made: string | undefined;
  return {
    action: 'ivs:ImportPublicKey',
    allowed: ['invalid', 'quota', 'conflict'],
    async send({ realTime: ivs }, options) {
      const { publicKey: key } = await ivs.send(new ImportPublicKeyCommand({ tags, publicKeyMaterial }), options);
      made = key?.arn;
    },
    undo: async ({ realTime: ivs }, options) => await ivs.send(new DeletePublicKeyCommand({ arn: made }), options),
  };
}

/** IVS refuses a room whose messages are to be logged to what is not there. */
function createRoom(tags: Record<string, string>, loggingConfiguration: string): DryCall {
  const loggingConfigurationIdentifiers = [loggingConfiguration];
  let made: string | undefined;
  return {
    action: 'ivschat:CreateRoom',
    allowed: ['not_found', 'invalid', 'quota', 'conflict'],
    async send({ chat }, options) {
      made = (await chat.send(new CreateRoomCommand({ tags, loggingConfigurationIdentifiers }), options)).arn;
    },
    undo: async ({ chat }, options) => await chat.send(new DeleteRoomCommand({ identifier: made }), options),
  };
}

function ofStages(stageArn: string, tags: Record<string, string>): DryCall[] {
  return [
    realTime('TagResource', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new TagResourceCommand({ resourceArn: stageArn, tags }), options),
    ),
    realTime('GetStage', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new GetStageCommand({ arn: stageArn }), options),
    ),
    realTime('DeleteStage', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new DeleteStageCommand({ arn: stageArn }), options),
    ),
    realTime('CreateParticipantToken', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new CreateParticipantTokenCommand({ stageArn, duration: 1, capabilities: [] }), options),
    ),
    realTime('DisconnectParticipant', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new DisconnectParticipantCommand({ stageArn, participantId }), options),
    ),
    // The models of the lists have no error for a stage that is not there (service model).
    realTime('ListParticipants', ['invalid', 'not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new ListParticipantsCommand({ stageArn, sessionId, maxResults: 1 }), options),
    ),
    realTime('ListParticipantEvents', ['invalid', 'not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new ListParticipantEventsCommand({ stageArn, sessionId, participantId, maxResults: 1 }), options),
    ),
    realTime('ListStageSessions', ['invalid', 'not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new ListStageSessionsCommand({ stageArn, maxResults: 1 }), options),
    ),
    realTime('GetStageSession', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new GetStageSessionCommand({ stageArn, sessionId }), options),
    ),
  ];
}

function ofRooms(roomIdentifier: string, tags: Record<string, string>): DryCall[] {
  const userId = 'stagedoor-dry';
  return [
    chatCall('TagResource', ['not_found'], ({ chat }, options) =>
      chat.send(new TagRoom({ resourceArn: roomIdentifier, tags }), options),
    ),
    chatCall('GetRoom', ['not_found'], ({ chat }, options) =>
      chat.send(new GetRoomCommand({ identifier: roomIdentifier }), options),
    ),
    chatCall('DeleteRoom', ['not_found'], ({ chat }, options) =>
      chat.send(new DeleteRoomCommand({ identifier: roomIdentifier }), options),
    ),
    chatCall('CreateChatToken', ['not_found'], ({ chat }, options) =>
      chat.send(new CreateChatTokenCommand({ roomIdentifier, userId, sessionDurationInMinutes: 1 }), options),
    ),
    chatCall('DisconnectUser', ['not_found'], ({ chat }, options) =>
      chat.send(new DisconnectUserCommand({ roomIdentifier, userId }), options),
    ),
    chatCall('DeleteMessage', ['not_found'], ({ chat }, options) =>
      chat.send(new DeleteMessageCommand({ roomIdentifier, id: nobodys }), options),
    ),
    chatCall('SendEvent', ['not_found'], ({ chat }, options) =>
      chat.send(new SendEventCommand({ roomIdentifier, eventName: 'stagedoor.dry' }), options),
    ),
  ];
}

function ofKeys(arn: string): DryCall[] {
  return [
    realTime('GetPublicKey', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new GetPublicKeyCommand({ arn }), options),
    ),
    realTime('DeletePublicKey', ['not_found'], ({ realTime: ivs }, options) =>
      ivs.send(new DeletePublicKeyCommand({ arn }), options),
    ),
  ];
}

function realTime(operation: string, allowed: IvsFailureKind[], send: Send): DryCall {
  return { action: `ivs:${operation}`, allowed, send };
}

function chatCall(operation: string, allowed: IvsFailureKind[], send: Send): DryCall {
  return { action: `ivschat:${operation}`, allowed, send };
}
