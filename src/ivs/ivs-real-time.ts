import { Injectable } from '@nestjs/common';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  DeletePublicKeyCommand,
  DeleteStageCommand,
  DisconnectParticipantCommand,
  GetStageCommand,
  ImportPublicKeyCommand,
  ListParticipantEventsCommand,
  ListParticipantsCommand,
  ListPublicKeysCommand,
  ListStagesCommand,
  type ParticipantTokenCapability,
} from '@aws-sdk/client-ivs-realtime';
import { z } from 'zod';
import { IvsCalls } from './ivs-calls.ts';
import type { IvsAccount, IvsTenant } from './ivs-clients.ts';

const present = z.string().min(1);

/** Where a client of a stage connects: part of tokens we sign. AWS lets them be kept for 14 days. */
const endpoints = z.object({ events: present, whip: present }).transform(({ events, whip }) => ({ events, whip }));
export type StageEndpoints = z.output<typeof endpoints>;

const stage = z.object({
  stage: z.object({ arn: present, endpoints, tags: z.record(z.string(), z.string()).optional() }),
});
export type Stage = z.output<typeof stage>['stage'];

const participantToken = z.object({
  participantToken: z.object({ participantId: present, token: present, expirationTime: z.date() }),
});
export type ParticipantToken = z.output<typeof participantToken>['participantToken'];

const activeSession = z.object({ stage: z.object({ activeSessionId: present.optional() }) });

const participantsPage = z.object({
  participants: z.array(
    z.object({
      participantId: present,
      userId: z.string().default(''),
      state: z.enum(['CONNECTED', 'DISCONNECTED']),
      published: z.boolean().default(false),
      firstJoinTime: z.date().optional(),
    }),
  ),
  nextToken: present.optional(),
});

/** Somebody who is on a stage, and in which of its sessions. */
export type Participant = z.output<typeof participantsPage>['participants'][number] & { sessionId: string };

const eventsPage = z.object({
  events: z.array(
    z.object({
      name: present,
      eventTime: z.date(),
      newToken: z.object({ capabilities: z.array(z.string()).default([]) }).optional(),
    }),
  ),
  nextToken: present.optional(),
});
/** Something a participant did, or that befell it. `newToken` is of TOKEN_EXCHANGED. */
export type ParticipantEvent = z.output<typeof eventsPage>['events'][number];

const publicKey = z.object({ publicKey: z.object({ arn: present }) });
const arnsWithTags = z.array(z.object({ arn: present, tags: z.record(z.string(), z.string()).optional() }));
const stagesPage = z.object({ stages: arnsWithTags, nextToken: present.optional() });
const publicKeysPage = z.object({ publicKeys: arnsWithTags, nextToken: present.optional() });
const nothing = z.unknown();

export interface Tagged {
  arn: string;
  tags?: Record<string, string> | undefined;
}

export interface ParticipantTokenRequest {
  stageArn: string;
  /** As participants see it: at most 128 characters. */
  userId: string;
  attributes: Record<string, string>;
  capabilities: readonly string[];
  /** Whole minutes, 1 to 20,160. */
  durationMinutes: number;
}

/** The operations of IVS Real-Time that the service uses, in IVS's own words. All throw `IvsFailure`. */
@Injectable()
export class IvsRealTime {
  constructor(private readonly calls: IvsCalls) {}

  async createStage(account: IvsAccount, name: string, tags: Record<string, string>): Promise<Stage> {
    const made = await this.calls.call(account, 'CreateStage', stage, ({ realTime }, options) =>
      realTime.send(new CreateStageCommand({ name, tags }), options),
    );
    return made.stage;
  }

  async getStage(account: IvsAccount, arn: string): Promise<Stage> {
    const found = await this.calls.call(account, 'GetStage', stage, ({ realTime }, options) =>
      realTime.send(new GetStageCommand({ arn }), options),
    );
    return found.stage;
  }

  async deleteStage(account: IvsAccount, arn: string): Promise<void> {
    await this.calls.call(account, 'DeleteStage', nothing, ({ realTime }, options) =>
      realTime.send(new DeleteStageCommand({ arn }), options),
    );
  }

  /** All stages of the account and Region, with their tags. */
  async listStages(account: IvsAccount): Promise<Tagged[]> {
    return await collect(async (nextToken) => {
      const page = await this.calls.call(account, 'ListStages', stagesPage, ({ realTime }, options) =>
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

  /** Throws one participant out. Not a ban, and `not_found` if nobody is connected by that id. */
  async disconnectParticipant(
    account: IvsAccount,
    stageArn: string,
    participantId: string,
    reason?: string,
  ): Promise<void> {
    await this.calls.call(account, 'DisconnectParticipant', nothing, ({ realTime }, options) =>
      realTime.send(new DisconnectParticipantCommand({ stageArn, participantId, reason }), options),
    );
  }

  /**
   * Who is connected to a stage now: everybody, or those of the users named. Nobody, if no session is on.
   * `published` of IVS's summary says whether somebody is publishing or has published in this session.
   */
  async connectedParticipants(
    account: IvsAccount,
    stageArn: string,
    userIds?: readonly string[],
  ): Promise<Participant[]> {
    const { stage: found } = await this.calls.call(account, 'GetStage', activeSession, ({ realTime }, options) =>
      realTime.send(new GetStageCommand({ arn: stageArn }), options),
    );
    const sessionId = found.activeSessionId;
    if (sessionId === undefined) return [];
    // IVS takes one filter at a time.
    const filters = userIds?.map((filterByUserId) => ({ filterByUserId })) ?? [{ filterByState: 'CONNECTED' as const }];
    const all: Participant[] = [];
    for (const filter of filters) {
      const listed = await collect(async (nextToken) => {
        const page = await this.calls.call(account, 'ListParticipants', participantsPage, ({ realTime }, options) =>
          realTime.send(
            new ListParticipantsCommand({ stageArn, sessionId, ...filter, maxResults: 100, nextToken }),
            options,
          ),
        );
        return { items: page.participants, nextToken: page.nextToken };
      });
      all.push(...listed.filter(({ state }) => state === 'CONNECTED').map((one) => ({ ...one, sessionId })));
    }
    return all;
  }

  /** All that a participant has done in a session, as IVS noted it. */
  async participantEvents(
    account: IvsAccount,
    stageArn: string,
    sessionId: string,
    participantId: string,
  ): Promise<ParticipantEvent[]> {
    return await collect(async (nextToken) => {
      const page = await this.calls.call(account, 'ListParticipantEvents', eventsPage, ({ realTime }, options) =>
        realTime.send(
          new ListParticipantEventsCommand({ stageArn, sessionId, participantId, maxResults: 100, nextToken }),
          options,
        ),
      );
      return { items: page.events, nextToken: page.nextToken };
    });
  }

  /** @param material the public half, as PEM (SubjectPublicKeyInfo) of a P-384 key. */
  async importPublicKey(
    account: IvsAccount,
    name: string,
    material: string,
    tags: Record<string, string>,
  ): Promise<{ arn: string }> {
    const made = await this.calls.call(account, 'ImportPublicKey', publicKey, ({ realTime }, options) =>
      realTime.send(new ImportPublicKeyCommand({ name, publicKeyMaterial: material, tags }), options),
    );
    return made.publicKey;
  }

  async deletePublicKey(account: IvsAccount, arn: string): Promise<void> {
    await this.calls.call(account, 'DeletePublicKey', nothing, ({ realTime }, options) =>
      realTime.send(new DeletePublicKeyCommand({ arn }), options),
    );
  }

  /** All public keys of the account and Region (at most three), with their tags. */
  async listPublicKeys(account: IvsAccount): Promise<Tagged[]> {
    return await collect(async (nextToken) => {
      const page = await this.calls.call(account, 'ListPublicKeys', publicKeysPage, ({ realTime }, options) =>
        realTime.send(new ListPublicKeysCommand({ maxResults: 100, nextToken }), options),
      );
      return { items: page.publicKeys, nextToken: page.nextToken };
    });
  }
}

/** Follows a listing to its end. */
export async function collect<Item>(
  fetchPage: (nextToken: string | undefined) => Promise<{ items: Item[]; nextToken?: string | undefined }>,
): Promise<Item[]> {
  const all: Item[] = [];
  let nextToken: string | undefined;
  do {
    const page = await fetchPage(nextToken);
    all.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return all;
}
