import { Injectable } from '@nestjs/common';
import { invalid } from '../errors.ts';
import { IvsChat } from '../ivs/ivs-chat.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type Stage, type Tagged } from '../ivs/ivs-real-time.ts';
import type { CreateSpaceBody } from './spaces.schemas.ts';

/** Tags of stages and rooms that Stagedoor creates. In a shared account, an adopted one must have the first tag. */
const tenantTag = 'stagedoor:tenant';
const spaceTag = 'stagedoor:space';

/** The space that a stage or room belongs to, and its AWS account. */
export interface SpaceIdentity {
  tenantId: string;
  spaceId: string;
  account: IvsAccount;
}

/** The stage and the room of a space at IVS; null for a part that the space does not have. */
export interface Provisioned {
  stage: Stage | null;
  room: { arn: string } | null;
}

/** Creates, adopts and deletes the stage and the room of a space. */
@Injectable()
export class Provisioning {
  constructor(
    private readonly realTime: IvsRealTime,
    private readonly chat: IvsChat,
  ) {}

  /**
   * Creates or adopts the stage and the room, at the same time. If one fails, the other may exist: see `removeOrphans`.
   * @throws {Problem}
   */
  async provision(identity: SpaceIdentity, body: Pick<CreateSpaceBody, 'stage' | 'room'>): Promise<Provisioned> {
    const [stage, room] = await Promise.allSettled([
      body.stage === false ? null : this.provisionStage(identity, body.stage),
      body.room === false ? null : this.provisionRoom(identity, body.room),
    ]);
    if (stage.status === 'fulfilled' && room.status === 'fulfilled') return { stage: stage.value, room: room.value };
    const failed = [stage, room].find((part) => part.status === 'rejected');
    throw failed?.reason instanceof IvsFailure ? failed.reason.toProblem() : failed?.reason;
  }

  /** Deletes a stage and a room. One that does not exist any more is no failure. @throws {IvsFailure} */
  async remove(account: IvsAccount, stageArn: string | null, roomArn: string | null): Promise<void> {
    await Promise.all([
      stageArn === null ? null : ignoreMissing(this.realTime.deleteStage(account, stageArn)),
      roomArn === null ? null : ignoreMissing(this.chat.deleteRoom(account, roomArn)),
    ]);
  }

  /** Deletes stages and rooms that were created for a space but not recorded. Finds them by tags. @throws {IvsFailure} */
  async removeOrphans({ tenantId, spaceId, account }: SpaceIdentity): Promise<void> {
    const [stages, rooms] = await Promise.all([this.realTime.listStages(account), this.chat.listRooms(account)]);
    const ours = ({ tags }: Tagged) => tags?.[tenantTag] === tenantId && tags[spaceTag] === spaceId;
    for (const { arn } of stages.filter(ours)) await ignoreMissing(this.realTime.deleteStage(account, arn));
    for (const { arn } of rooms.filter(ours)) await ignoreMissing(this.chat.deleteRoom(account, arn));
  }

  private async provisionStage(identity: SpaceIdentity, wanted: true | { arn: string }): Promise<Stage> {
    if (wanted === true) {
      return await this.realTime.createStage(identity.account, identity.spaceId, tagsOf(identity));
    }
    return await adopt(identity, 'stage.arn', () => this.realTime.getStage(identity.account, wanted.arn));
  }

  private async provisionRoom(identity: SpaceIdentity, wanted: true | { arn: string }): Promise<{ arn: string }> {
    if (wanted === true) return await this.chat.createRoom(identity.account, identity.spaceId, tagsOf(identity));
    return await adopt(identity, 'room.arn', () => this.chat.getRoom(identity.account, wanted.arn));
  }
}

function tagsOf({ tenantId, spaceId }: SpaceIdentity): Record<string, string> {
  return { [tenantTag]: tenantId, [spaceTag]: spaceId };
}

/**
 * Finds the stage or room to adopt. Tenants can share the service's own AWS account, and an ARN is no secret. In a shared
 * account the tenant proves with the tag that the resource is theirs. A tenant with an account of their own has proved it
 * with the IAM role. The refusal is the same for a resource of another tenant and for one that does not exist.
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
  const tagged = isShared ? ` and has the tag ${tenantTag}=${tenantId}` : '';
  throw invalid(path, `must be the ARN of a resource that exists in the tenant’s AWS account and Region${tagged}`);
}

/** Waits for a deletion. A resource that IVS does not have any more is no failure. */
async function ignoreMissing(deletion: Promise<void>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!(error instanceof IvsFailure && error.kind === 'not_found')) throw error;
  }
}
