import { Injectable } from '@nestjs/common';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  DeletePublicKeyCommand,
  DeleteStageCommand,
  DisconnectParticipantCommand,
  GetPublicKeyCommand,
  GetStageCommand,
  ImportPublicKeyCommand,
  ListParticipantEventsCommand,
  ListPublicKeysCommand,
  ListStagesCommand,
  type ParticipantTokenCapability,
} from '@aws-sdk/client-ivs-realtime';
import { z } from 'zod';
import { collectPages } from './collect-pages.ts';
import { IvsCalls } from './ivs-calls.ts';
import type { IvsAccount, IvsTenant } from './ivs-clients.ts';
import { IvsFailure } from './ivs-errors.ts';
import {
  type MakeCall,
  pageOf,
  type Participant,
  type ParticipantFilter,
  type ParticipantsPage,
  sessionOf,
} from './participant-lists.ts';

const nonEmpty = z.string().min(1);

/** URLs that clients of a stage connect to. Tokens that Stagedoor signs hold them: see spaces/stage-endpoints.ts. */
const endpoints = z.object({ events: nonEmpty, whip: nonEmpty }).transform(({ events, whip }) => ({ events, whip }));
export type StageEndpoints = z.output<typeof endpoints>;

const stage = z.object({
  stage: z.object({ arn: nonEmpty, endpoints, tags: z.record(z.string(), z.string()).optional() }),
});
/** A stage, with the fields that Stagedoor uses. */
export type Stage = z.output<typeof stage>['stage'];

const participantToken = z.object({
  participantToken: z.object({ participantId: nonEmpty, token: nonEmpty, expirationTime: z.date() }),
});
/** A stage token as IVS made it. */
export type ParticipantToken = z.output<typeof participantToken>['participantToken'];

const eventsPage = z.object({
  events: z.array(
    z.object({
      name: nonEmpty,
      eventTime: z.date(),
      remoteParticipantId: z.string().optional(),
      errorCode: z.string().optional(),
      newToken: z.object({ capabilities: z.array(z.string()).default([]) }).optional(),
    }),
  ),
  nextToken: nonEmpty.optional(),
});
/** An event in the life of a participant. Only TOKEN_EXCHANGED has a `newToken` (service model, `Event`). */
export type ParticipantEvent = z.output<typeof eventsPage>['events'][number];

const publicKey = z.object({ publicKey: z.object({ arn: nonEmpty }) });
const arnsWithTags = z.array(z.object({ arn: nonEmpty, tags: z.record(z.string(), z.string()).optional() }));
const stagesPage = z.object({ stages: arnsWithTags, nextToken: nonEmpty.optional() });
const publicKeysPage = z.object({ publicKeys: arnsWithTags, nextToken: nonEmpty.optional() });
const anyAnswer = z.unknown();

/** An IVS resource with its tags, as IVS lists it. */
export interface Tagged {
  arn: string;
  tags?: Record<string, string> | undefined;
}

/** The parameters of a new stage token (service model, `CreateParticipantTokenRequest`). */
export interface ParticipantTokenRequest {
  stageArn: string;
  /** The user id that participants see, at most 128 characters. */
  userId: string;
  attributes: Record<string, string>;
  capabilities: readonly string[];
  /** Whole minutes, 1 to 20,160. */
  durationMinutes: number;
}

/** The operations of IVS Real-Time that the service uses, under the names of IVS. All throw `IvsFailure`. */
@Injectable()
export class IvsRealTime {
  constructor(private readonly calls: IvsCalls) {}

  async createStage(tenant: IvsTenant, name: string, tags: Record<string, string>): Promise<Stage> {
    const made = await this.calls.callForTenant(tenant, 'CreateStage', stage, ({ realTime }, options) =>
      realTime.send(new CreateStageCommand({ name, tags }), options),
    );
    return made.stage;
  }

  async getStage(tenant: IvsTenant, arn: string): Promise<Stage> {
    const found = await this.calls.callForTenant(tenant, 'GetStage', stage, ({ realTime }, options) =>
      realTime.send(new GetStageCommand({ arn }), options),
    );
    return found.stage;
  }

  async deleteStage(tenant: IvsTenant, arn: string): Promise<void> {
    await this.calls.callForTenant(tenant, 'DeleteStage', anyAnswer, ({ realTime }, options) =>
      realTime.send(new DeleteStageCommand({ arn }), options),
    );
  }

  /** All stages of the account and Region, with their tags. */
  async listStages(tenant: IvsTenant): Promise<Tagged[]> {
    return await collectPages(async (nextToken) => {
      const page = await this.calls.callForTenant(tenant, 'ListStages', stagesPage, ({ realTime }, options) =>
        realTime.send(new ListStagesCommand({ maxResults: 100, nextToken }), options),
      );
      return { items: page.stages, nextToken: page.nextToken };
    });
  }

  async createParticipantToken(tenant: IvsTenant, request: ParticipantTokenRequest): Promise<ParticipantToken> {
    const made = await this.calls.callInTurn(
      tenant,
      'CreateParticipantToken',
      participantToken,
      ({ realTime }, options) =>
        realTime.send(
          new CreateParticipantTokenCommand({
            stageArn: request.stageArn,
            userId: request.userId,
            attributes: request.attributes,
            capabilities: [...request.capabilities] as ParticipantTokenCapability[],
            duration: request.durationMinutes,
          }),
          options,
        ),
    );
    return made.participantToken;
  }

  /** Disconnects one participant. It is no ban. It fails with `not_found` if no participant with this id is connected. */
  async disconnectParticipant(
    account: IvsAccount,
    stageArn: string,
    participantId: string,
    reason?: string,
  ): Promise<void> {
    await this.calls.call(account, 'DisconnectParticipant', anyAnswer, ({ realTime }, options) =>
      realTime.send(new DisconnectParticipantCommand({ stageArn, participantId, reason }), options),
    );
  }

  /** The id of the session of a stage that goes on now. Undefined: nobody is on the stage. */
  async activeSession(account: IvsAccount, stageArn: string): Promise<string | undefined> {
    return await sessionOf(this.reserved(account), stageArn);
  }

  /**
   * Lists one page of the participants in a session of a stage, at most a hundred. With `filterByPublished` and
   * `filterByUserId` they may have left. `published` is true if the participant publishes or has published in this session
   * (service model, `ParticipantSummary`).
   */
  async participantsPage(
    account: IvsAccount,
    stageArn: string,
    sessionId: string,
    filter: ParticipantFilter,
    nextToken?: string,
  ): Promise<ParticipantsPage> {
    return await pageOf(this.reserved(account), stageArn, sessionId, filter, nextToken);
  }

  /**
   * Lists the participants that are connected to a stage now, at the request of a tenant. Each page waits for its turn.
   * Without an active session the list is empty.
   */
  async connectedParticipants(tenant: IvsTenant, stageArn: string): Promise<Participant[]> {
    const inTurn: MakeCall = (operation, answer, send) => this.calls.callForTenant(tenant, operation, answer, send);
    const sessionId = await sessionOf(inTurn, stageArn);
    if (sessionId === undefined) return [];
    return await collectPages(async (nextToken) => {
      const filter = { filterByState: 'CONNECTED' as const };
      const page = await pageOf(inTurn, stageArn, sessionId, filter, nextToken);
      return { items: page.participants, nextToken: page.nextToken };
    });
  }

  /** Lists one page of the events of a participant in one session of a stage, at most a hundred. */
  async participantEventsPage(
    account: IvsAccount,
    stageArn: string,
    sessionId: string,
    participantId: string,
    nextToken?: string,
  ): Promise<{ events: ParticipantEvent[]; nextToken?: string | undefined }> {
    const ask = { stageArn, sessionId, participantId, maxResults: 100, nextToken };
    return await this.calls.call(account, 'ListParticipantEvents', eventsPage, ({ realTime }, options) =>
      realTime.send(new ListParticipantEventsCommand(ask), options),
    );
  }

  /**
   * Lists the events of a participant in one session of a stage, at the request of a tenant: those of the first `mostPages`
   * pages. Each page waits for its turn. AWS's documents show two orders.
   */
  async participantEvents(
    tenant: IvsTenant,
    participant: { stageArn: string; sessionId: string; participantId: string },
    mostPages: number,
  ): Promise<ParticipantEvent[]> {
    let pages = 0;
    return await collectPages(async (nextToken) => {
      const ask = { ...participant, maxResults: 100, nextToken };
      const page = await this.calls.callForTenant(
        tenant,
        'ListParticipantEvents',
        eventsPage,
        ({ realTime }, options) => realTime.send(new ListParticipantEventsCommand(ask), options),
      );
      return { items: page.events, nextToken: ++pages < mostPages ? page.nextToken : undefined };
    });
  }

  /** @param material the public key of a P-384 key pair, as PEM (SubjectPublicKeyInfo). */
  async importPublicKey(
    tenant: IvsTenant,
    name: string,
    material: string,
    tags: Record<string, string>,
  ): Promise<{ arn: string }> {
    const made = await this.calls.callForTenant(tenant, 'ImportPublicKey', publicKey, ({ realTime }, options) =>
      realTime.send(new ImportPublicKeyCommand({ name, publicKeyMaterial: material, tags }), options),
    );
    return made.publicKey;
  }

  async deletePublicKey(tenant: IvsTenant, arn: string): Promise<void> {
    await this.calls.callForTenant(tenant, 'DeletePublicKey', anyAnswer, ({ realTime }, options) =>
      realTime.send(new DeletePublicKeyCommand({ arn }), options),
    );
  }

  /** All public keys of the account and Region, with their tags. IVS allows three (service quotas). */
  async listPublicKeys(tenant: IvsTenant): Promise<Tagged[]> {
    return await collectPages(async (nextToken) => {
      const page = await this.calls.callForTenant(tenant, 'ListPublicKeys', publicKeysPage, ({ realTime }, options) =>
        realTime.send(new ListPublicKeysCommand({ maxResults: 100, nextToken }), options),
      );
      return { items: page.publicKeys, nextToken: page.nextToken };
    });
  }

  /** Whether IVS has a public key. A list may lack one for a moment; this answer is about the key itself. */
  async hasPublicKey(tenant: IvsTenant, arn: string): Promise<boolean> {
    try {
      await this.calls.callForTenant(tenant, 'GetPublicKey', publicKey, ({ realTime }, options) =>
        realTime.send(new GetPublicKeyCommand({ arn }), options),
      );
      return true;
    } catch (error) {
      if (error instanceof IvsFailure && error.kind === 'not_found') return false;
      throw error;
    }
  }

  private reserved(account: IvsAccount): MakeCall {
    return (operation, answer, send) => this.calls.call(account, operation, answer, send);
  }
}
