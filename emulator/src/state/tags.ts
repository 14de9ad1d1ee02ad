import { type Call, invalid, notFound } from './call.ts';
import { parseArn } from '../arns.ts';
import type { Scope } from './scope.ts';

/** How many tags a resource may have (service model). */
const MAX_TAGS = 50;

type Tags = Record<string, string>;

/** The kinds of resource that have tags, by service, with the map of the scope that holds each kind. */
const TAGGED = {
  ivs: {
    stage: 'stages',
    'public-key': 'publicKeys',
    'encoder-configuration': 'encoderConfigurations',
    'storage-configuration': 'storageConfigurations',
    'ingest-configuration': 'ingestConfigurations',
    composition: 'compositions',
  },
  ivschat: { room: 'rooms', 'logging-configuration': 'loggingConfigurations' },
} as const satisfies Record<string, Record<string, keyof Scope>>;

/**
 * Refuses tags that only AWS may set or remove. Their keys begin with `aws:` in any case (Tag Editor guide, "Tag naming
 * limits and requirements", to which the service model refers).
 *
 * @param input The input of any operation. Tags are in `tags`, and keys to remove in `tagKeys`.
 */
export function refuseReservedTags(input: { tags?: unknown; tagKeys?: unknown }): void {
  const { tags, tagKeys } = input;
  const isMap = typeof tags === 'object' && tags !== null;
  for (const [member, keys] of [
    ['tags', isMap ? Object.keys(tags) : []],
    ['tagKeys', Array.isArray(tagKeys) ? (tagKeys as string[]) : []],
  ] as const) {
    const reserved = keys.find((key) => key.toLowerCase().startsWith('aws:'));
    if (reserved !== undefined) throw invalid(member, `must not have the key ${reserved}: aws: is reserved for AWS`);
  }
}

export function listTagsForResource(call: Call, input: { resourceArn: string }): { tags: Tags } {
  return { tags: findTagged(call, input.resourceArn).tags ?? {} };
}

export function tagResource(call: Call, input: { resourceArn: string; tags: Tags }): Record<string, never> {
  const resource = findTagged(call, input.resourceArn);
  const tags = { ...resource.tags, ...input.tags };
  if (Object.keys(tags).length > MAX_TAGS) throw invalid('tags', `must be at most ${MAX_TAGS} in all`);
  resource.tags = tags;
  return {};
}

export function untagResource(call: Call, input: { resourceArn: string; tagKeys: string[] }): Record<string, never> {
  const resource = findTagged(call, input.resourceArn);
  const removed = new Set(input.tagKeys);
  resource.tags = Object.fromEntries(Object.entries(resource.tags ?? {}).filter(([key]) => !removed.has(key)));
  return {};
}

/** The tags of a resource; undefined if there is none with this ARN. */
export function tagsOf(scope: Scope, arn: string): Tags | undefined {
  const resource = resourceOf(scope, arn);
  return resource && (resource.tags ?? {});
}

function findTagged(call: Call, arn: string): { tags?: Tags } {
  const service = call.operation.service.name;
  if (parseArn(arn)?.service !== service) throw invalid('resourceArn', `must be an ARN of the service ${service}`);
  const resource = resourceOf(call.scope, arn);
  if (!resource) throw notFound(call, arn);
  return resource;
}

function resourceOf(scope: Scope, arn: string): { tags?: Tags } | undefined {
  const parts = parseArn(arn);
  const services: Record<string, Record<string, keyof Scope>> = TAGGED;
  const kinds = parts && services[parts.service];
  const kind = kinds && parts && Object.hasOwn(kinds, parts.type) ? kinds[parts.type] : undefined;
  return kind && (scope[kind] as Map<string, { tags?: Tags }>).get(arn);
}
