import type { ModelData, ShapeData } from '../src/wire/model-data.ts';

const LINE_WIDTH = 120;

/** The TypeScript source for the structures, enums and operations of a service model. */
export function generateTypes(model: ModelData, name: string): string {
  const shapes = Object.entries(model.shapes).filter(([, shape]) => !shape.exception);
  const parts = [
    `// Generated from models/${name}.json by scripts/generate-types.ts. Do not edit.`,
    '/** A time as ISO 8601 text. */\nexport type Timestamp = string;',
    ...shapes.flatMap(([shapeName, shape]) => declaration(model, shapeName, shape)),
    operationTable(model),
  ];
  return `${parts.join('\n\n')}\n`;
}

function declaration(model: ModelData, name: string, shape: ShapeData): string[] {
  if (shape.enum) {
    return [
      union(
        `export type ${name} =`,
        shape.enum.map((value) => `'${value}'`),
      ),
    ];
  }
  if (shape.type !== 'structure') return [];
  const members = Object.entries(shape.members ?? {}).filter(([, member]) => member.location !== 'header');
  if (members.length === 0) return [`export type ${name} = Record<string, never>;`];
  const lines = members.map(([memberName, member]) => {
    const optional = shape.required?.includes(memberName) ? '' : '?';
    return `  ${memberName}${optional}: ${typeOf(model, member.shape)};`;
  });
  return [`export interface ${name} {\n${lines.join('\n')}\n}`];
}

function typeOf(model: ModelData, name: string): string {
  const shape = model.shapes[name];
  if (!shape) throw new Error(`the model has no shape ${name}`);
  if (shape.enum || shape.type === 'structure') return name;
  switch (shape.type) {
    case 'list':
      return `${typeOf(model, shape.member?.shape ?? '')}[]`;
    case 'map':
      return `Record<string, ${typeOf(model, shape.value?.shape ?? '')}>`;
    case 'integer':
    case 'float':
      return 'number';
    case 'timestamp':
      return 'Timestamp';
    default:
      return shape.type;
  }
}

function operationTable(model: ModelData): string {
  const none = 'Record<string, never>';
  const rows = Object.entries(model.operations).map(
    ([name, operation]) =>
      `  ${name}: { input: ${operation.input?.shape ?? none}; output: ${operation.output?.shape ?? none} };`,
  );
  return `export interface Operations {\n${rows.map(wrapRow).join('\n')}\n}`;
}

function wrapRow(row: string): string {
  if (row.length <= LINE_WIDTH) return row;
  const [, name, input, output] = /^ {2}(\w+): \{ input: (.*); output: (.*) \};$/.exec(row) ?? [];
  return `  ${name}: {\n    input: ${input};\n    output: ${output};\n  };`;
}

function union(head: string, values: string[]): string {
  const line = `${head} ${values.join(' | ')};`;
  return line.length <= LINE_WIDTH ? line : `${head}\n${values.map((value) => `  | ${value}`).join('\n')};`;
}
