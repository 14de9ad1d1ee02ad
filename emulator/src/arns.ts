/** The parts of an ARN of IVS or IVS Chat. */
export interface Arn {
  service: string;
  region: string;
  account: string;
  type: string;
  id: string;
}

const ARN = /^arn:aws:(ivs|ivschat):([a-z0-9-]+):([0-9]+):([a-z-]+)\/([a-zA-Z0-9-]+)$/;

/** Splits an ARN into its parts. Returns `undefined` for a text that is not an ARN of IVS or IVS Chat. */
export function parseArn(arn: string): Arn | undefined {
  const [, service, region, account, type, id] = ARN.exec(arn) ?? [];
  if (!service || !region || !account || !type || !id) return undefined;
  return { service, region, account, type, id };
}

/** The last part of an ARN: the id of the resource. */
export function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}
