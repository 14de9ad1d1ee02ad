import { createPublicKey, verify } from 'node:crypto';
import { AWS_TOKEN_HEADER, isAwsToken, type ParticipantClaims } from '../realtime/token-format.ts';
import type { Stage } from '../realtime/types.ts';
import { attributesProblem } from '../state/attributes.ts';
import { idOf, parseArn } from '../arns.ts';
import type { Scope } from '../state/scope.ts';
import { scopeOf, type World } from '../state/world.ts';
import { codePoints } from '../wire/text.ts';
import { StageRefusal } from './refusal.ts';

/** A valid participant token, and the stage that it opens. */
export interface CheckedToken {
  claims: ParticipantClaims;
  scope: Scope;
  stage: Stage;
  /** The ARN of the public key that verified the token. It is `undefined` for a token that IVS made. */
  keyArn: string | undefined;
}

/** The longest life of a self-signed token: 14 days (AWS docs). */
const MAX_LIFE_SECONDS = 14 * 24 * 3600;
const PARTICIPANT_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Checks a participant token as IVS does at a join: its form, signature, claims, expiry and stage.
 *
 * @throws StageRefusal with the code that the client would get.
 */
export function checkToken(world: World, token: string): CheckedToken {
  if (token === '') throw new StageRefusal('TOKEN_MISSING', 'there is no token');
  const [encodedHeader = '', payload = '', encodedSignature = '', ...rest] = token.split('.');
  const header = readPart(encodedHeader);
  const claims = readPart(payload) as ParticipantClaims | undefined;
  if (!header || !claims || rest.length > 0) throw new StageRefusal('TOKEN_INVALID', 'the token is not a JWT');
  const signed = `${encodedHeader}.${payload}`;
  const signature = Buffer.from(encodedSignature, 'base64url');
  const resource = typeof claims.resource === 'string' ? parseArn(claims.resource) : undefined;
  if (resource?.type !== 'stage') throw new StageRefusal('TOKEN_INVALID', 'resource must be the ARN of a stage');
  const scope = scopeOf(world, resource.account, resource.region);
  const keyArn = header['alg'] === AWS_TOKEN_HEADER.alg ? undefined : keyOf(scope, header);
  const authentic = keyArn
    ? verifySelfSigned(scope, keyArn, signed, signature)
    : isAwsToken(signed, signature, world.secret);
  if (!authentic) throw new StageRefusal('TOKEN_INVALID_SIGNATURE', 'the signature does not match');
  const stage = scope.stages.get(claims.resource);
  const problem = claimsProblem(claims, stage, world);
  if (problem) throw new StageRefusal('TOKEN_INVALID', problem);
  if (claims.exp + world.switches.clockSkewSeconds <= world.clock.now() / 1000) {
    throw new StageRefusal('TOKEN_EXPIRED', 'the token has expired');
  }
  if (!stage) throw new StageRefusal('STAGE_DELETED', 'the stage has been deleted');
  return { claims, scope, stage, keyArn };
}

function readPart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // The part is not JSON. The caller throws the error.
  }
  return undefined;
}

function keyOf(scope: Scope, header: Record<string, unknown>): string {
  const { alg, typ, kid } = header;
  if (alg !== 'ES384' || typ !== 'JWT') throw new StageRefusal('TOKEN_INVALID', 'the header must say ES384 and JWT');
  if (typeof kid !== 'string') throw new StageRefusal('TOKEN_INVALID', 'kid must be the ARN of a public key');
  if (!scope.publicKeys.has(kid)) {
    throw new StageRefusal('TOKEN_INVALID_SIGNATURE', "kid is no public key of the stage's account and Region");
  }
  return kid;
}

function verifySelfSigned(scope: Scope, keyArn: string, signed: string, signature: Buffer): boolean {
  const key = createPublicKey(scope.publicKeys.get(keyArn)?.publicKeyMaterial ?? '');
  return verify('sha384', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/**
 * Says what is wrong with the claims of a token (AWS docs, key-pair tokens). Only `user_id` and `attributes` are
 * optional.
 */
function claimsProblem(claims: ParticipantClaims, stage: Stage | undefined, world: World): string | undefined {
  const { exp, iat, jti, resource, topic, user_id: userId, version } = claims;
  if (!Number.isInteger(exp)) return 'exp must be a whole number of seconds';
  if (!Number.isInteger(iat)) return 'iat must be a whole number of seconds';
  if (exp - iat > MAX_LIFE_SECONDS) return 'exp must be at most 14 days after iat';
  if (iat - world.switches.clockSkewSeconds > world.clock.now() / 1000) return 'iat lies in the future';
  if (typeof jti !== 'string' || !PARTICIPANT_ID.test(jti)) return 'jti must be 1 to 64 of A-Z a-z 0-9 _ -';
  if (topic !== idOf(resource)) return "topic must be the last part of the stage's ARN";
  if (version !== '1.0') return 'version must be "1.0"';
  if (userId !== undefined && (typeof userId !== 'string' || codePoints(userId) > 128)) {
    return 'user_id must be a string of at most 128 characters';
  }
  if (stage && claims.events_url !== stage.endpoints?.events)
    return "events_url must be the stage's endpoint for events";
  if (stage && claims.whip_url !== stage.endpoints?.whip) return "whip_url must be the stage's endpoint for whip";
  return capabilitiesProblem(claims.capabilities) ?? attributesClaimProblem(claims.attributes, world);
}

function capabilitiesProblem(capabilities: unknown): string | undefined {
  const problem = 'capabilities must be an object of allow_publish and allow_subscribe, true or false';
  if (typeof capabilities !== 'object' || capabilities === null || Array.isArray(capabilities)) return problem;
  const wrong = Object.entries(capabilities).some(
    ([name, value]) => !['allow_publish', 'allow_subscribe'].includes(name) || typeof value !== 'boolean',
  );
  return wrong ? problem : undefined;
}

function attributesClaimProblem(attributes: unknown, world: World): string | undefined {
  if (attributes === undefined) return undefined;
  const isObject = typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes);
  if (!isObject || Object.values(attributes).some((value) => typeof value !== 'string')) {
    return 'attributes must be an object of strings';
  }
  const problem = attributesProblem(attributes as Record<string, string>, world.switches);
  return problem && `attributes ${problem}`;
}
