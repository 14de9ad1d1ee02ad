import type { MessageReviewHandler } from './types.ts';
import { postJson } from '../post.ts';
import { codePoints } from '../wire/text.ts';

/** AWS sets this limit, and it cannot be changed (AWS docs, service quotas). */
const TIMEOUT_MS = 200;
/** Every valid answer is smaller: it has one message, and attributes of at most 1 KB. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** The input of a review function (AWS docs, message review handler). `Ip` is personal data. */
export interface ReviewEvent {
  Content: string;
  MessageId: string;
  RoomArn: string;
  Attributes: Record<string, string>;
  Sender: { Attributes: Record<string, string>; UserId: string; Ip: string };
}

/** The result of a review: the message is delivered with this content, or it is refused for this reason. */
export type Verdict =
  | { result: 'ALLOW'; content: string; attributes: Record<string, string> }
  | { result: 'DENY'; reason: string };

const DENIED = 'the message was rejected in review';

/** The HTTP endpoints that take the place of the Lambda functions that review messages. */
export class ReviewHandlers {
  readonly #urls = new Map<string, string>();

  /** The URL of each endpoint, by the ARN of its Lambda function. */
  get urls(): Record<string, string> {
    return Object.fromEntries(this.#urls);
  }

  replace(urls: Record<string, string>): void {
    this.#urls.clear();
    for (const [arn, url] of Object.entries(urls)) this.#urls.set(arn, url);
  }

  /**
   * Asks the review handler of a room about a message. The fallback of the room decides when the handler has no
   * endpoint, fails, gives an invalid answer or takes longer than 200 ms. The default fallback is to deliver the
   * message (AWS docs).
   *
   * @param maxLength How many code points a message may have in this room.
   */
  async review(handler: MessageReviewHandler, event: ReviewEvent, maxLength: number): Promise<Verdict> {
    const url = this.#urls.get(handler.uri ?? '');
    const verdict = url === undefined ? undefined : await ask(url, event, maxLength);
    if (verdict) return verdict;
    if (handler.fallbackResult === 'DENY') return { result: 'DENY', reason: DENIED };
    return { result: 'ALLOW', content: event.Content, attributes: event.Attributes };
  }
}

async function ask(url: string, event: ReviewEvent, maxLength: number): Promise<Verdict | undefined> {
  try {
    const { status, body } = await postJson(url, event, { timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES });
    return status === 200 ? readVerdict(JSON.parse(body), event, maxLength) : undefined;
  } catch {
    // The endpoint is unreachable, too slow, or its answer is not JSON. The fallback decides.
    return undefined;
  }
}

/**
 * Reads an answer. Returns `undefined` when it is invalid. Content and attributes are optional and default to the
 * message's own.
 */
function readVerdict(answer: unknown, event: ReviewEvent, maxLength: number): Verdict | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { ReviewResult: result, Content, Attributes } = answer as Record<string, unknown>;
  const content = Content ?? event.Content;
  const attributes = Attributes ?? event.Attributes;
  if (typeof content !== 'string' || codePoints(content) > maxLength || !isStringMap(attributes)) return undefined;
  if (result === 'ALLOW') return { result, content, attributes };
  // The sample handlers of AWS give their reason in the attribute `Reason`.
  if (result === 'DENY') return { result, reason: (isStringMap(Attributes) && Attributes['Reason']) || DENIED };
  return undefined;
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((item) => typeof item === 'string');
}
