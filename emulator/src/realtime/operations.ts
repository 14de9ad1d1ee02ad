import type { Handlers } from '../state/call.ts';
import { listTagsForResource, tagResource, untagResource } from '../state/tags.ts';
import {
  disconnectParticipant,
  getParticipant,
  getStageSession,
  listParticipantEvents,
  listParticipants,
  listStageSessions,
} from './participants.ts';
import { createParticipantToken } from './participant-tokens.ts';
import { deletePublicKey, getPublicKey, importPublicKey, listPublicKeys } from './public-keys.ts';
import { createStage, deleteStage, getStage, listStages, updateStage } from './stages.ts';
import type { Operations } from './types.ts';

/** IVS Real-Time: what each operation does. The rest of it (route, input, errors) is in the model. */
export const REALTIME: Partial<Handlers<Operations>> = {
  CreateParticipantToken: createParticipantToken,
  CreateStage: createStage,
  DeletePublicKey: deletePublicKey,
  DeleteStage: deleteStage,
  DisconnectParticipant: disconnectParticipant,
  GetParticipant: getParticipant,
  GetPublicKey: getPublicKey,
  GetStage: getStage,
  GetStageSession: getStageSession,
  ImportPublicKey: importPublicKey,
  ListParticipantEvents: listParticipantEvents,
  ListParticipants: listParticipants,
  ListPublicKeys: listPublicKeys,
  ListStageSessions: listStageSessions,
  ListStages: listStages,
  ListTagsForResource: listTagsForResource,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateStage: updateStage,
};
