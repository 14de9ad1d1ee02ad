import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { IvsChat } from '../ivs/ivs-chat.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { KeyUnavailable } from '../secrets/data-keys.ts';
import { Secrets } from '../secrets/secrets.ts';
import { SignatureThreads } from '../signatures/signature-threads.ts';
import { privateKeyColumn } from '../signing-keys/signing-keys.service.ts';
import { StageEndpoints } from '../spaces/stage-endpoints.ts';
import type { Admission } from './admission-answers.ts';
import type { ChatToken, StageToken } from './joins.schemas.ts';
import { signParticipantToken } from './sign-participant-token.ts';

/** The user who gets a token, as IVS and other participants see them. */
export interface TokenHolder {
  ivsUserId: string;
  attributes: Record<string, string>;
}

type Stage = NonNullable<Admission['stage']>;
type SigningKey = NonNullable<Admission['signingKey']>;
type Chat = NonNullable<Admission['chat']>;

/** A stage token. `signingKeyId` is the id of the key that signed it, if Stagedoor signed it. */
export interface MintedStageToken extends Omit<StageToken, 'grantId'> {
  signingKeyId?: string;
}

/** Makes tokens. `admit` has decided and recorded what they allow. */
@Injectable()
export class Mints {
  /** Decrypted private keys, by id. To decrypt and parse a key takes longer than the rest of a vend. */
  private readonly privateKeys = new LRUCache<string, KeyObject>({ max: 1_000, ttl: 10 * 60_000 });

  constructor(
    private readonly realTime: IvsRealTime,
    private readonly chat: IvsChat,
    private readonly secrets: Secrets,
    private readonly endpoints: StageEndpoints,
    private readonly threads: SignatureThreads,
  ) {}

  /**
   * Makes a stage token. Stagedoor signs it if the tenant has an active signing key; else IVS makes it. If that fails in a
   * way that may pass, or the signing key cannot be decrypted now, the token is made the other way. A tenant without a signing
   * key has only IVS.
   *
   * @throws {IvsFailure} if both ways fail, or if IVS refuses.
   * @throws {KeyUnavailable} if IVS fails, and the signing key cannot be decrypted then.
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
      const mayPass = error instanceof IvsFailure ? error.isTransient : error instanceof KeyUnavailable;
      if (!mayPass) throw error;
      return await second();
    }
  }

  /** Asks IVS for a chat token. @throws {IvsFailure} */
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
   * Makes a stage token that a participant can exchange their own token for. Stagedoor signs it, with the same participant
   * id. The participant can also join again with it.
   *
   * @throws {IvsFailure} if the known endpoints of the stage are too old and IVS does not return new ones.
   * @throws {KeyUnavailable}
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
      // IVS takes whole minutes. The lifetime is rounded down, so that no token lives longer than the role allows.
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
      await this.privateKey(tenant.id, key),
      this.threads,
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

  private async privateKey(tenantId: string, { id, privateKey }: SigningKey): Promise<KeyObject> {
    const known = this.privateKeys.get(id);
    if (known) return known;
    const sealed = Buffer.from(privateKey, 'base64');
    const der = await this.secrets.open(sealed, { tenantId, column: privateKeyColumn, id });
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.privateKeys.set(id, key);
    return key;
  }
}
