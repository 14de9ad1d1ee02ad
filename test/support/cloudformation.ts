/** Looks for faults in a template of CloudFormation, by the schemas that AWS publishes. */
import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import type { Property, PropertyType, Resource, SpecDatabase } from '@aws-cdk/service-spec-types';
import type { Json } from './stagedoor.ts';

export interface Template {
  Parameters: Record<string, Json>;
  Conditions: Record<string, Json>;
  Resources: Record<string, { Type: string; DependsOn?: string; Properties: Json }>;
  Outputs: Record<string, Json>;
}

/**
 * Unknown, missing and mistyped properties, and references to what is not there. Patterns and lengths of values are not
 * checked.
 */
export function faultsOfTemplate(template: Template): string[] {
  return new Checker(template).faults();
}

class Checker {
  private readonly found: string[] = [];
  private readonly db: SpecDatabase = loadAwsServiceSpecSync();

  constructor(private readonly template: Template) {}

  faults(): string[] {
    const { Resources, Conditions, Outputs } = this.template;
    for (const [name, { Type, DependsOn, Properties }] of Object.entries(Resources)) {
      const resource = this.resourceOf(Type);
      if (!resource) this.found.push(`${name} is of the unknown type ${Type}`);
      else this.checkObject(Properties, resource.properties, name);
      if (DependsOn !== undefined) this.checkName(DependsOn, `${name}.DependsOn`);
    }
    for (const [name, value] of Object.entries({ ...Conditions, ...Outputs })) this.checkReferences(value, name);
    return this.found;
  }

  private resourceOf(type: string): Resource | undefined {
    return this.db.lookup('resource', 'cloudFormationType', 'equals', type)[0];
  }

  private checkObject(value: Json, properties: Record<string, Property>, at: string): void {
    for (const [name, { required }] of Object.entries(properties))
      if (required && !(name in value)) this.found.push(`${at} lacks ${name}`);
    for (const [name, one] of Object.entries(value)) {
      const property = properties[name];
      if (!property) this.found.push(`${at}.${name} is unknown`);
      else this.check(one, [property.type, ...(property.previousTypes ?? [])], `${at}.${name}`);
    }
  }

  /** Checks a value against types, of which one must fit. */
  private check(value: unknown, types: PropertyType[], at: string): void {
    const intrinsic = intrinsicOf(value);
    if (intrinsic === 'Fn::If') {
      const [condition, ...branches] = (value as Json)['Fn::If'] as [string, unknown, unknown];
      if (!(condition in this.template.Conditions)) this.found.push(`${at} has the unknown condition ${condition}`);
      for (const branch of branches) this.check(branch, types, at);
      return;
    }
    if (intrinsic !== undefined) {
      this.checkReferences(value, at);
      return;
    }
    const before = this.found.length;
    let fewest: string[] | undefined;
    for (const type of types) {
      this.checkType(value, type, at);
      const found = this.found.splice(before);
      if (!fewest || found.length < fewest.length) fewest = found;
    }
    this.found.push(...(fewest ?? []));
  }

  private checkType(value: unknown, type: PropertyType, at: string): void {
    switch (type.type) {
      case 'union':
        this.check(value, type.types, at);
        return;
      case 'array':
        if (!Array.isArray(value)) this.found.push(`${at} is no list`);
        else value.forEach((one, index) => this.check(one, [type.element], `${at}.${index}`));
        return;
      case 'map':
        if (!isObject(value)) this.found.push(`${at} is no map`);
        else for (const [name, one] of Object.entries(value)) this.check(one, [type.element], `${at}.${name}`);
        return;
      case 'ref':
        if (!isObject(value)) this.found.push(`${at} is no object`);
        else this.checkObject(value, this.db.get('typeDefinition', type.reference.$ref).properties, at);
        return;
      case 'tag':
        if (!isObject(value) || !('Key' in value && 'Value' in value)) this.found.push(`${at} is no tag`);
        return;
      case 'json':
        this.checkReferences(value, at);
        return;
      default:
        if (!fits(value, type.type)) this.found.push(`${at} is no ${type.type}`);
    }
  }

  /** Checks each Ref, Fn::GetAtt and Fn::Sub in a value. */
  private checkReferences(value: unknown, at: string): void {
    if (Array.isArray(value)) for (const one of value) this.checkReferences(one, at);
    if (!isObject(value)) return;
    const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': text } = value;
    if (typeof Ref === 'string') this.checkName(Ref, at);
    if (Array.isArray(attribute)) this.checkAttribute(String(attribute[0]), String(attribute[1]), at);
    if (typeof text === 'string')
      for (const [, name = ''] of text.matchAll(/\$\{([^!}]+)\}/g)) {
        const [resource = '', ...rest] = name.split('.');
        if (rest.length > 0) this.checkAttribute(resource, rest.join('.'), at);
        else this.checkName(name, at);
      }
    for (const one of Object.values(value)) this.checkReferences(one, at);
  }

  private checkName(name: string, at: string): void {
    const { Parameters, Resources } = this.template;
    if (name in Parameters || name in Resources || pseudoParameters.has(name)) return;
    this.found.push(`${at} refers to ${name}, which is not there`);
  }

  private checkAttribute(name: string, attribute: string, at: string): void {
    const type = this.template.Resources[name]?.Type;
    const resource = type === undefined ? undefined : this.resourceOf(type);
    if (resource && attribute in resource.attributes) return;
    this.found.push(`${at} asks for ${name}.${attribute}, which is not there`);
  }
}

const pseudoParameters = new Set(
  ['AccountId', 'NoValue', 'Partition', 'Region', 'URLSuffix'].map((name) => `AWS::${name}`),
);

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The name of the function, if the value is one of CloudFormation. */
function intrinsicOf(value: unknown): string | undefined {
  const [name, ...others] = isObject(value) ? Object.keys(value) : [];
  return others.length === 0 && name !== undefined && (name === 'Ref' || name.startsWith('Fn::')) ? name : undefined;
}

/** CloudFormation takes the text of a number and of a truth value, too. */
function fits(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(typeof value === 'string' ? Number(value || NaN) : value);
  if (type === 'number') return Number.isFinite(typeof value === 'string' ? Number(value || NaN) : value);
  if (type === 'boolean') return ['true', 'false'].includes(String(value));
  return ['string', 'number', 'boolean'].includes(typeof value);
}
