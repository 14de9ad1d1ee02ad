import type { Handlers } from '../../state/call.ts';
import { listTagsForResource, tagResource, untagResource } from '../../state/tags.ts';
import {
  createLoggingConfiguration,
  deleteLoggingConfiguration,
  getLoggingConfiguration,
  listLoggingConfigurations,
  updateLoggingConfiguration,
} from './logging-configurations.ts';
import { deleteMessage, disconnectUser, sendEvent } from './moderation.ts';
import { createRoom, deleteRoom, getRoom, listRooms, updateRoom } from './rooms.ts';
import { createChatToken } from './tokens.ts';
import type { Operations } from '../../chat/types.ts';

/** The handlers of IVS Chat. The service model describes the rest of each operation: route, input and errors. */
export const CHAT: Handlers<Operations> = {
  CreateChatToken: createChatToken,
  CreateLoggingConfiguration: createLoggingConfiguration,
  CreateRoom: createRoom,
  DeleteLoggingConfiguration: deleteLoggingConfiguration,
  DeleteMessage: deleteMessage,
  DeleteRoom: deleteRoom,
  DisconnectUser: disconnectUser,
  GetLoggingConfiguration: getLoggingConfiguration,
  GetRoom: getRoom,
  ListLoggingConfigurations: listLoggingConfigurations,
  ListRooms: listRooms,
  ListTagsForResource: listTagsForResource,
  SendEvent: sendEvent,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateLoggingConfiguration: updateLoggingConfiguration,
  UpdateRoom: updateRoom,
};
