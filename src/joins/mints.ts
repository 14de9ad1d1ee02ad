import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { IvsChat } from '../ivs/ivs-chat.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { Secrets } from '../secrets/secrets.ts';
import { privateKeyColumn } from '../signing-keys/signing-keys.service.ts';
import { StageEndpoints } from '../spaces/stage-endpoints.ts';
import type { Admission } from './admission.ts';
import type { ChatToken, StageToken } from './joins.schemas.ts';
import { signParticipantToken } from './sign-participant-token.ts';

/** For whom a token is made, as IVS is to see him. */
export interface TokenHolder {
  ivsUserId: string;
  attributes: Record<string, string>;
}

type Stage = NonNullable<Admission['stage']>;
type SigningKey = NonNullable<Admission['signingKey']>;
type Chat = NonNullable<Admission['chat']>;

/** A stage token, and the key that signed it if one of ours did. */
export interface MintedStageToken extends Omit<StageToken, 'grantId'> {
  signingKeyId?: string;
}

/** Makes the tokens. Nothing here decides: what a token allows was decided, and written down, before. */
@Injectable()
export class Mints {
  /** Opened private keys, by id: opening and parsing one takes longer than the rest of a vend. */
  private readonly opened = new LRUCache<string, KeyObject>({ max: 1_000, ttl: 10 * 60_000 });

  constructor(
    private readonly realTime: IvsRealTime,
    private readonly chat: IvsChat,
    private readonly secrets: Secrets,
    private readonly endpoints: StageEndpoints,
  ) {}

  /**
   * Makes a stage token: signed here if the tenant has an active signing key, else by IVS. Where the preferred way
   * cannot serve for the moment, the other does if it can.
   *
   * @throws {IvsFailure} if neither can.
   */
  async stageToken(
    admission: Admission,
    stage: Stage,
    participantId: string,
    holder: TokenHolder,
  ): Promise<MintedStageToken> {
    const { signingKey } = admission;
    const byIvs = () => this.mintByIvs(admission, stage, holder);
    if (!signingKey) return await byIvs();
    const byKey = () => this.mintByKeyPair(admission, stage, signingKey, participantId, holder);
    const [first, second] = signingKey.state === 'active' ? [byKey, byIvs] : [byIvs, byKey];
    try {
      return await first();
    } catch (error) {
      if (!(error instanceof IvsFailure) || !error.isTransient) throw error;
      return await second();
    }
  }

  async chatToken(admission: Admission, chat: Chat, holder: TokenHolder): Promise<Omit<ChatToken, 'grantId'>> {
    const made = await this.chat.createChatToken(admission.tenant, {
      roomArn: chat.arn,
      userId: holder.ivsUserId,
      attributes: holder.attributes,
      capabilities: chat.capabilities,
      sessionMinutes: chat.sessionMinutes,
    });
    return {
      token: made.token,
      capabilities: chat.capabilities,
      attributes: holder.attributes,
      connectBefore: made.tokenExpirationTime.toISOString(),
      sessionExpiresAt: made.sessionExpirationTime.toISOString(),
      endpoint: this.chat.endpoint(admission.tenant.region),
    };
  }

  /**
   * Makes a stage token that a participant can exchange its own for: signed here, with the same id, and as good as any
   * other for coming back with.
   *
   * @throws {IvsFailure} if the stage's endpoints have become too old and IVS does not tell the new ones.
   */
  async exchangeToken(
    admission: Admission,
    stage: Stage,
    key: SigningKey,
    participantId: string,
    holder: TokenHolder,
  ): Promise<MintedStageToken> {
    return await this.mintByKeyPair(admission, stage, key, participantId, holder);
  }

  private async mintByIvs(admission: Admission, stage: Stage, holder: TokenHolder): Promise<MintedStageToken> {
    const made = await this.realTime.createParticipantToken(admission.tenant, {
      stageArn: stage.arn,
      userId: holder.ivsUserId,
      attributes: holder.attributes,
      capabilities: stage.capabilities,
      // IVS counts in minutes. Rounded down: a token must not outlive what the role allows.
      durationMinutes: Math.max(1, Math.floor(stage.ttlSeconds / 60)),
    });
    return {
      token: made.token,
      participantId: made.participantId,
      capabilities: stage.capabilities,
      attributes: holder.attributes,
      expiresAt: made.expirationTime.toISOString(),
      mint: 'ivs',
    };
  }

  private async mintByKeyPair(
    admission: Admission,
    stage: Stage,
    key: SigningKey,
    participantId: string,
    holder: TokenHolder,
  ): Promise<MintedStageToken> {
    const { tenant, space } = admission;
    const issuedAt = Math.floor(Date.parse(admission.issuedAt) / 1000);
    const expiresAt = issuedAt + stage.ttlSeconds;
    const token = await signParticipantToken(
      {
        stageArn: stage.arn,
        endpoints: await this.endpoints.of(tenant.id, space.id, tenant, stage),
        participantId,
        userId: holder.ivsUserId,
        attributes: holder.attributes,
        capabilities: stage.capabilities,
        issuedAt,
        expiresAt,
      },
      key.arn,
      this.privateKey(tenant.id, key),
    );
    return {
      token,
      participantId,
      capabilities: stage.capabilities,
      attributes: holder.attributes,
      expiresAt: new Date(expiresAt * 1000).toISOString(),
      mint: 'key-pair',
      signingKeyId: key.id,
    };
  }

  private privateKey(tenantId: string, { id, privateKey }: SigningKey): KeyObject {
    const known = this.opened.get(id);
    if (known) return known;
    const sealed = Buffer.from(privateKey, 'base64');
    const der = this.secrets.open(sealed, { tenantId, column: privateKeyColumn, id });
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.opened.set(id, key);
    return key;
  }
}
