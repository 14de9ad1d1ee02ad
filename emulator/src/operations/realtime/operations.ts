import type { Handlers } from '../../state/call.ts';
import { listTagsForResource, tagResource, untagResource } from '../../state/tags.ts';
import { getComposition, listCompositions, startComposition, stopComposition } from './compositions.ts';
import {
  createEncoderConfiguration,
  deleteEncoderConfiguration,
  getEncoderConfiguration,
  listEncoderConfigurations,
} from './encoder-configurations.ts';
import {
  createIngestConfiguration,
  deleteIngestConfiguration,
  getIngestConfiguration,
  listIngestConfigurations,
  updateIngestConfiguration,
} from './ingest-configurations.ts';
import { createParticipantToken } from './participant-tokens.ts';
import {
  disconnectParticipant,
  getParticipant,
  getStageSession,
  listParticipantEvents,
  listParticipants,
  listStageSessions,
} from './participants.ts';
import { deletePublicKey, getPublicKey, importPublicKey, listPublicKeys } from './public-keys.ts';
import { listParticipantReplicas, startParticipantReplication, stopParticipantReplication } from './replication.ts';
import { createStage, deleteStage, getStage, listStages, updateStage } from './stages.ts';
import {
  createStorageConfiguration,
  deleteStorageConfiguration,
  getStorageConfiguration,
  listStorageConfigurations,
} from './storage-configurations.ts';
import type { Operations } from '../../realtime/types.ts';

/** The handlers of IVS Real-Time. The service model describes the rest of each operation: route, input and errors. */
export const REALTIME: Handlers<Operations> = {
  CreateEncoderConfiguration: createEncoderConfiguration,
  CreateIngestConfiguration: createIngestConfiguration,
  CreateParticipantToken: createParticipantToken,
  CreateStage: createStage,
  CreateStorageConfiguration: createStorageConfiguration,
  DeleteEncoderConfiguration: deleteEncoderConfiguration,
  DeleteIngestConfiguration: deleteIngestConfiguration,
  DeletePublicKey: deletePublicKey,
  DeleteStage: deleteStage,
  DeleteStorageConfiguration: deleteStorageConfiguration,
  DisconnectParticipant: disconnectParticipant,
  GetComposition: getComposition,
  GetEncoderConfiguration: getEncoderConfiguration,
  GetIngestConfiguration: getIngestConfiguration,
  GetParticipant: getParticipant,
  GetPublicKey: getPublicKey,
  GetStage: getStage,
  GetStageSession: getStageSession,
  GetStorageConfiguration: getStorageConfiguration,
  ImportPublicKey: importPublicKey,
  ListCompositions: listCompositions,
  ListEncoderConfigurations: listEncoderConfigurations,
  ListIngestConfigurations: listIngestConfigurations,
  ListParticipantEvents: listParticipantEvents,
  ListParticipantReplicas: listParticipantReplicas,
  ListParticipants: listParticipants,
  ListPublicKeys: listPublicKeys,
  ListStages: listStages,
  ListStageSessions: listStageSessions,
  ListStorageConfigurations: listStorageConfigurations,
  ListTagsForResource: listTagsForResource,
  StartComposition: startComposition,
  StartParticipantReplication: startParticipantReplication,
  StopComposition: stopComposition,
  StopParticipantReplication: stopParticipantReplication,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateIngestConfiguration: updateIngestConfiguration,
  UpdateStage: updateStage,
};
