import { randomUUID } from 'node:crypto';
import { iso } from '../clock.ts';
import { ServiceError } from '../wire/service-error.ts';
import type { Caller } from './sigv4.ts';
import { type Credentials, isSession } from './credentials.ts';
import { SessionPolicy } from './session-policy.ts';

/** A role that can be assumed only with its external id (AWS docs, confused deputy problem). */
export interface Role {
  arn: string;
  externalId: string;
  /** Whether its trust policy allows session tags (`sts:TagSession`); true by default. */
  tagSession?: boolean;
}

/** The emulated operations of STS: those that a client needs to act in another account. */
export type StsOperation = 'AssumeRole' | 'GetCallerIdentity';

export function isStsOperation(action: string | null): action is StsOperation {
  return action === 'AssumeRole' || action === 'GetCallerIdentity';
}

/**
 * Performs an STS call and returns the XML of the answer. The emulator has no policies of roles, so every role of every
 * account can be assumed. A role that is configured with an external id can be assumed only with that id. A session with a
 * policy may do what that allows.
 *
 * @throws ServiceError for wrong input or a wrong external id.
 */
export function answerSts(
  operation: StsOperation,
  input: URLSearchParams,
  caller: Caller,
  credentials: Credentials,
  roles: readonly Role[],
): string {
  const result =
    operation === 'AssumeRole' ? assumeRole(input, credentials, roles) : getCallerIdentity(caller, credentials);
  return stsXml(operation, result);
}

function getCallerIdentity(caller: Caller, credentials: Credentials): string {
  const credential = credentials.find(caller.accessKeyId);
  const { arn, userId } =
    credential && isSession(credential)
      ? credential
      : credential?.root
        ? { arn: `arn:aws:iam::${caller.account}:root`, userId: caller.account }
        : { arn: `arn:aws:iam::${caller.account}:user/${caller.accessKeyId}`, userId: caller.accessKeyId };
  return element('Arn', arn) + element('UserId', userId) + element('Account', caller.account);
}

const ROLE_ARN = /^arn:aws:iam::(\d{12}):role\/(?:[\w+=,.@/-]*\/)?([\w+=,.@-]{1,64})$/;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;

function assumeRole(input: URLSearchParams, credentials: Credentials, roles: readonly Role[]): string {
  const roleArn = input.get('RoleArn') ?? '';
  const sessionName = input.get('RoleSessionName') ?? '';
  const durationSeconds = Number(input.get('DurationSeconds') ?? 3600);
  const [, account, roleName] = ROLE_ARN.exec(roleArn) ?? [];
  if (!account || !roleName) throw stsError('ValidationError', 'RoleArn must be the ARN of a role');
  if (!SESSION_NAME.test(sessionName)) throw stsError('ValidationError', 'RoleSessionName is not valid');
  if (!(Number.isInteger(durationSeconds) && durationSeconds >= 900 && durationSeconds <= 43_200)) {
    throw stsError('ValidationError', 'DurationSeconds must be 900 to 43200');
  }
  const role = roles.find((candidate) => candidate.arn === roleArn);
  if (role && role.externalId !== input.get('ExternalId')) {
    throw stsError('AccessDenied', `not authorized to perform sts:AssumeRole on ${roleArn}`, 403);
  }
  const tags = readTags(input);
  if (tags.length > 0 && role?.tagSession === false) {
    throw stsError('AccessDenied', `not authorized to perform: sts:TagSession on resource: ${roleArn}`, 403);
  }
  const policy = input.get('Policy') ?? undefined;
  if (policy !== undefined) SessionPolicy.from(policy); // refuses one that is not valid
  const session = credentials.openSession(account, roleName, sessionName, { durationSeconds, policy });
  return (
    element(
      'Credentials',
      element('AccessKeyId', session.accessKeyId) +
        element('SecretAccessKey', session.secretAccessKey) +
        element('SessionToken', session.sessionToken) +
        element('Expiration', iso(session.expiresAt)),
      false,
    ) + element('AssumedRoleUser', element('Arn', session.arn) + element('AssumedRoleId', session.userId), false)
  );
}

/** The session tags. @throws ServiceError for more than AWS allows, or for texts that are none (AWS STS API reference). */
function readTags(input: URLSearchParams): [key: string, value: string][] {
  const tags: [string, string][] = [];
  for (let n = 1; input.has(`Tags.member.${n}.Key`); n++) {
    tags.push([input.get(`Tags.member.${n}.Key`) ?? '', input.get(`Tags.member.${n}.Value`) ?? '']);
  }
  if (tags.length > 50) throw stsError('ValidationError', 'Tags must have at most 50 members');
  for (const [key, value] of tags) {
    if (!TAG_KEY.test(key) || !TAG_VALUE.test(value)) throw stsError('ValidationError', `the tag ${key} is not valid`);
  }
  return tags;
}

const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

function stsError(name: string, message: string, status = 400): ServiceError {
  return new ServiceError(name, message, {}, status);
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

function stsXml(operation: StsOperation, result: string): string {
  const metadata = element('ResponseMetadata', element('RequestId', randomUUID()), false);
  return `<${operation}Response xmlns="${NAMESPACE}">${element(`${operation}Result`, result, false)}${metadata}</${operation}Response>`;
}

/** The XML of an STS error. */
export function stsErrorXml(error: ServiceError, requestId: string): string {
  const kind = error.status >= 500 ? 'Receiver' : 'Sender';
  const parts = element('Type', kind) + element('Code', error.name) + element('Message', error.message);
  return `<ErrorResponse xmlns="${NAMESPACE}">${element('Error', parts, false)}${element('RequestId', requestId)}</ErrorResponse>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function element(name: string, content: string, escape = true): string {
  return `<${name}>${escape ? content.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? '') : content}</${name}>`;
}
