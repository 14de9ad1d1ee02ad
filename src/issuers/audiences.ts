import { isName, maxAudiences } from './names.ts';
import { claimAt } from './user-claims.ts';

/** The claim that holds the audience of an issuer's JWTs unless the issuer names another one. */
export const defaultAudienceClaim = 'aud';

/** Maximum length of the path of an audience claim. Issuer, audience and path must fit into one index entry. */
export const maxAudienceClaimLength = 128;

/** Maximum number of a token's values that are looked up as audiences. Those near the top of the claims come first. */
const maxPlaces = 100;

/** Maximum number of steps of a claim path. */
const maxSteps = 10;

/** The audiences at a path: a text, or the texts in an array. Any other value has none. */
function audiencesIn(value: unknown): string[] {
  if (isName(value)) return [value];
  return Array.isArray(value) && value.length <= maxAudiences && value.every(isName) ? value : [];
}

/** What an issuer asks of the audience of a JWT. */
export interface Audience {
  audience: string;
  /** Path of the claim that holds the audience. */
  audienceClaim: string;
}

/** Whether the claims hold the audience in the claim that the issuer names. */
export function hasAudience(claims: Record<string, unknown>, { audience, audienceClaim }: Audience): boolean {
  return audiencesIn(claimAt(claims, audienceClaim)).includes(audience);
}

/**
 * Every path and value of the claims that could be an audience, at most a hundred: `aud` first, then the others, those
 * near the top before those deep inside, and texts before arrays.
 */
export function possibleAudiences(claims: Record<string, unknown>): Audience[] {
  const found: Audience[] = audiencesIn(claims[defaultAudienceClaim]).map((audience) => ({
    audience,
    audienceClaim: defaultAudienceClaim,
  }));
  const inArrays: Audience[] = [];
  let level: [string, Record<string, unknown>][] = [['', claims]];
  for (let step = 0; step < maxSteps && level.length > 0 && found.length < maxPlaces; step++) {
    const next: typeof level = [];
    for (const [path, object] of level) {
      for (const [name, value] of Object.entries(object)) {
        const audienceClaim = path + name;
        if (audienceClaim === defaultAudienceClaim || !isName(audienceClaim)) continue;
        if (isObject(value)) next.push([`${audienceClaim}.`, value]);
        const places = audiencesIn(value).map((audience) => ({ audience, audienceClaim }));
        (Array.isArray(value) ? inArrays : found).push(...places);
      }
    }
    level = next;
  }
  return [...found, ...inArrays]
    .filter((one) => one.audienceClaim.length <= maxAudienceClaimLength)
    .slice(0, maxPlaces);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
