import { Injectable } from '@nestjs/common';
import { invalid } from '../errors.ts';
import { IvsChat } from '../ivs/ivs-chat.ts';
import type { IvsTenant } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type Stage, type Tagged } from '../ivs/ivs-real-time.ts';
import { tenantTag } from '../ivs/session-policy.ts';
import type { CreateSpaceBody } from './spaces.schemas.ts';

/** A tag of stages and rooms that Stagedoor creates, beside that of the tenant. In a shared account, an adopted one must have that one. */
const spaceTag = 'stagedoor:space';

/** The space that a stage or room belongs to, and its tenant. */
export interface SpaceIdentity {
  tenant: IvsTenant;
  spaceId: string;
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
   * Creates or adopts the stage and the room. It adopts before it creates, so an adoption that fails is the only call, and
   * leaves nothing behind.
   * @throws {Problem} if there is nothing to remove.
   * @throws {UnfinishedProvision}
   */
  async provision(identity: SpaceIdentity, body: Pick<CreateSpaceBody, 'stage' | 'room'>): Promise<Provisioned> {
    const stage = typeof body.stage === 'object' ? await this.adoptStage(identity, body.stage.arn) : null;
    const room = typeof body.room === 'object' ? await this.adoptRoom(identity, body.room.arn) : null;
    const { tenant, spaceId } = identity;
    const [newStage, newRoom] = await Promise.allSettled([
      body.stage === true ? this.realTime.createStage(tenant, spaceId, tagsOf(identity)) : null,
      body.room === true ? this.chat.createRoom(tenant, spaceId, tagsOf(identity)) : null,
    ]);
    const reasons = [newStage, newRoom].flatMap((part) => (part.status === 'rejected' ? [part.reason as unknown] : []));
    const created = { stage: valueOf(newStage), room: valueOf(newRoom) };
    if (reasons.length > 0) throw new UnfinishedProvision(reasons, created);
    return { stage: stage ?? created.stage, room: room ?? created.room };
  }

  /** Deletes a stage and a room. One that does not exist any more is no failure. @throws {IvsFailure} */
  async remove(tenant: IvsTenant, stageArn: string | null, roomArn: string | null): Promise<void> {
    await Promise.all([
      stageArn === null ? null : ignoreMissing(this.realTime.deleteStage(tenant, stageArn)),
      roomArn === null ? null : ignoreMissing(this.chat.deleteRoom(tenant, roomArn)),
    ]);
  }

  /** Deletes stages and rooms that were created for a space but not recorded. Finds them by tags. @throws {IvsFailure} */
  async removeOrphans({ tenant, spaceId }: SpaceIdentity): Promise<void> {
    const [stages, rooms] = await Promise.all([this.realTime.listStages(tenant), this.chat.listRooms(tenant)]);
    const ours = ({ tags }: Tagged) => tags?.[tenantTag] === tenant.id && tags[spaceTag] === spaceId;
    for (const { arn } of stages.filter(ours)) await ignoreMissing(this.realTime.deleteStage(tenant, arn));
    for (const { arn } of rooms.filter(ours)) await ignoreMissing(this.chat.deleteRoom(tenant, arn));
  }

  private async adoptStage(identity: SpaceIdentity, arn: string): Promise<Stage> {
    return await adopt(identity, 'stage.arn', () => this.realTime.getStage(identity.tenant, arn));
  }

  private async adoptRoom(identity: SpaceIdentity, arn: string): Promise<{ arn: string }> {
    return await adopt(identity, 'room.arn', () => this.chat.getRoom(identity.tenant, arn));
  }
}

/** The creation of a stage or a room that failed. */
export class UnfinishedProvision extends Error {
  /** The problem for the caller of the API, or another error. */
  readonly reason: unknown;
  /** Whether IVS may have made more than it has answered. Then it is found by its tags. */
  readonly mayHaveMore: boolean;

  /**
   * @param reasons why the stage or the room, or both, were not created.
   * @param created what was created, and is to be removed.
   */
  constructor(
    reasons: unknown[],
    readonly created: Provisioned,
  ) {
    const [first] = reasons;
    super('a stage or a room could not be created', { cause: first });
    this.reason = first instanceof IvsFailure ? first.toProblem() : first;
    this.mayHaveMore = reasons.some((reason) => reason instanceof IvsFailure && reason.mayHaveWorked);
  }
}

function valueOf<T>(part: PromiseSettledResult<T>): T | null {
  return part.status === 'fulfilled' ? part.value : null;
}

function tagsOf({ tenant, spaceId }: SpaceIdentity): Record<string, string> {
  return { [tenantTag]: tenant.id, [spaceTag]: spaceId };
}

/**
 * Finds the stage or room to adopt. Tenants can share the service's own AWS account, and an ARN is no secret. In a shared
 * account the tenant proves with the tag that the resource is theirs. A tenant with an account of their own has proved it
 * with the IAM role. The refusal is the same for a resource of another tenant and for one that does not exist.
 * @throws {Problem}
 */
async function adopt<Found extends Tagged>(
  { tenant }: SpaceIdentity,
  path: string,
  find: () => Promise<Found>,
): Promise<Found> {
  const isShared = tenant.awsRoleArn === null;
  const found = await find().catch((error: unknown) => {
    if (error instanceof IvsFailure && (error.kind === 'not_found' || error.kind === 'access_denied')) return undefined;
    throw error instanceof IvsFailure ? error.toProblem() : error;
  });
  if (found && (!isShared || found.tags?.[tenantTag] === tenant.id)) return found;
  const tagged = isShared ? ` and has the tag ${tenantTag}=${tenant.id}` : '';
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
