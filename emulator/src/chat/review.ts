import type { MessageReviewHandler } from './types.ts';
import { postJson } from '../post.ts';
import { codePoints } from '../wire/text.ts';

/** Fixed (AWS docs, service quotas). */
const TIMEOUT_MS = 200;
/** Above any valid answer: a message, and attributes of 1 KB. */
const LARGEST_ANSWER_BYTES = 64 * 1024;

/** What the function is called with (AWS docs, message review handler). `Ip` is personal data. */
export interface ReviewEvent {
  Content: string;
  MessageId: string;
  RoomArn: string;
  Attributes: Record<string, string>;
  Sender: { Attributes: Record<string, string>; UserId: string; Ip: string };
}

/** What becomes of a message: delivered with this content, or not and why. */
export type Verdict =
  | { result: 'ALLOW'; content: string; attributes: Record<string, string> }
  | { result: 'DENY'; reason: string };

const DENIED = 'the message was rejected in review';

/** HTTP endpoints that stand for the Lambda functions which review messages. */
export class ReviewHandlers {
  readonly #urls = new Map<string, string>();

  /** The address of each function, by its ARN. */
  get urls(): Record<string, string> {
    return Object.fromEntries(this.#urls);
  }

  replace(urls: Record<string, string>): void {
    this.#urls.clear();
    for (const [arn, url] of Object.entries(urls)) this.#urls.set(arn, url);
  }

  /**
   * Asks a room's handler about a message. When it is unknown, fails, answers nonsense or takes above 200 ms, its
   * fallback decides, which lets the message pass unless the room says otherwise (AWS docs).
   */
  async review(handler: MessageReviewHandler, event: ReviewEvent, longest: number): Promise<Verdict> {
    const url = this.#urls.get(handler.uri ?? '');
    const verdict = url === undefined ? undefined : await ask(url, event, longest);
    if (verdict) return verdict;
    if (handler.fallbackResult === 'DENY') return { result: 'DENY', reason: DENIED };
    return { result: 'ALLOW', content: event.Content, attributes: event.Attributes };
  }
}

async function ask(url: string, event: ReviewEvent, longest: number): Promise<Verdict | undefined> {
  try {
    const { status, body } = await postJson(url, event, { timeoutMs: TIMEOUT_MS, answerBytes: LARGEST_ANSWER_BYTES });
    return status === 200 ? readVerdict(JSON.parse(body), event, longest) : undefined;
  } catch {
    // Unreachable, too slow, or not JSON: all of it is what the fallback is for.
    return undefined;
  }
}

/** `undefined` for an answer that is not valid. What it leaves out stays as it was sent. */
function readVerdict(answer: unknown, event: ReviewEvent, longest: number): Verdict | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { ReviewResult: result, Content, Attributes } = answer as Record<string, unknown>;
  const content = Content ?? event.Content;
  const attributes = Attributes ?? event.Attributes;
  if (typeof content !== 'string' || codePoints(content) > longest || !isStringMap(attributes)) return undefined;
  if (result === 'ALLOW') return { result, content, attributes };
  // AWS's sample handlers give their reason in this attribute.
  if (result === 'DENY') return { result, reason: (isStringMap(Attributes) && Attributes['Reason']) || DENIED };
  return undefined;
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((item) => typeof item === 'string');
}
