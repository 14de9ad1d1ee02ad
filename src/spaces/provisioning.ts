import { Injectable } from '@nestjs/common';
import { invalid } from '../errors.ts';
import { IvsChat } from '../ivs/ivs-chat.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type Stage, type Tagged } from '../ivs/ivs-real-time.ts';
import type { CreateSpaceBody } from './spaces.schemas.ts';

/** Tags on what the service creates, and on what a tenant lets it adopt from a shared account. */
const tenantTag = 'stagedoor:tenant';
const spaceTag = 'stagedoor:space';

/** Whom and what a stage or room is for. */
export interface SpaceIdentity {
  tenantId: string;
  spaceId: string;
  account: IvsAccount;
}

/** The halves of a space as they are at IVS. */
export interface Provisioned {
  stage: Stage | null;
  room: { arn: string } | null;
}

/** Makes, adopts and removes the stage and the room of a space. */
@Injectable()
export class Provisioning {
  constructor(
    private readonly realTime: IvsRealTime,
    private readonly chat: IvsChat,
  ) {}

  /**
   * Creates or adopts both halves, side by side. If one fails, the other may be there all the same: see `removeOrphans`.
   * @throws {Problem}
   */
  async provision(identity: SpaceIdentity, body: Pick<CreateSpaceBody, 'stage' | 'room'>): Promise<Provisioned> {
    const [stage, room] = await Promise.allSettled([
      body.stage === false ? null : this.stage(identity, body.stage),
      body.room === false ? null : this.room(identity, body.room),
    ]);
    if (stage.status === 'fulfilled' && room.status === 'fulfilled') return { stage: stage.value, room: room.value };
    const failed = [stage, room].find((half) => half.status === 'rejected');
    throw failed?.reason instanceof IvsFailure ? failed.reason.toProblem() : failed?.reason;
  }

  /** Ends the stage and the room; what is already gone is fine. @throws {IvsFailure} */
  async remove(account: IvsAccount, stageArn: string | null, roomArn: string | null): Promise<void> {
    await Promise.all([
      stageArn === null ? null : ignoreMissing(this.realTime.deleteStage(account, stageArn)),
      roomArn === null ? null : ignoreMissing(this.chat.deleteRoom(account, roomArn)),
    ]);
  }

  /** Ends whatever was created for a space without being recorded, found by its tags. @throws {IvsFailure} */
  async removeOrphans({ tenantId, spaceId, account }: SpaceIdentity): Promise<void> {
    const [stages, rooms] = await Promise.all([this.realTime.listStages(account), this.chat.listRooms(account)]);
    const ours = ({ tags }: Tagged) => tags?.[tenantTag] === tenantId && tags[spaceTag] === spaceId;
    for (const { arn } of stages.filter(ours)) await ignoreMissing(this.realTime.deleteStage(account, arn));
    for (const { arn } of rooms.filter(ours)) await ignoreMissing(this.chat.deleteRoom(account, arn));
  }

  private async stage(identity: SpaceIdentity, wanted: true | { arn: string }): Promise<Stage> {
    if (wanted === true) {
      return await this.realTime.createStage(identity.account, identity.spaceId, tagsOf(identity));
    }
    return await adopt(identity, 'stage.arn', () => this.realTime.getStage(identity.account, wanted.arn));
  }

  private async room(identity: SpaceIdentity, wanted: true | { arn: string }): Promise<{ arn: string }> {
    if (wanted === true) return await this.chat.createRoom(identity.account, identity.spaceId, tagsOf(identity));
    return await adopt(identity, 'room.arn', () => this.chat.getRoom(identity.account, wanted.arn));
  }
}

function tagsOf({ tenantId, spaceId }: SpaceIdentity): Record<string, string> {
  return { [tenantTag]: tenantId, [spaceTag]: spaceId };
}

/**
 * Finds what is to be adopted. Tenants may share the service's own AWS account, and an ARN is no secret: there, whoever
 * could tag the thing shows that it is his. A tenant with an account of its own has shown it by the role. What is another
 * tenant's is refused in the same words as what is not there.
 */
async function adopt<Found extends Tagged>(
  { tenantId, account }: SpaceIdentity,
  path: string,
  find: () => Promise<Found>,
): Promise<Found> {
  const isShared = account.awsRoleArn === null;
  const found = await find().catch((error: unknown) => {
    if (error instanceof IvsFailure && (error.kind === 'not_found' || error.kind === 'access_denied')) return undefined;
    throw error;
  });
  if (found && (!isShared || found.tags?.[tenantTag] === tenantId)) return found;
  const tagged = isShared ? `, and carries the tag ${tenantTag}=${tenantId}` : '';
  throw invalid(path, `must be the ARN of something that exists in the tenant’s AWS account and Region${tagged}`);
}

async function ignoreMissing(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!(error instanceof IvsFailure && error.kind === 'not_found')) throw error;
  }
}
