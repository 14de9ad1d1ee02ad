/**
 * The layout of the SQL functions: prettier-plugin-sql-cst with printers of our own for a few constructs.
 *
 * The plugin puts each item of a list that does not fit one line on a line of its own. An insert of 15 columns then takes 40
 * lines, and `jsonb_build_object` separates each key from its value. Here such lists fill their lines.
 */
import { type AstPath, type Doc, doc, type ParserOptions, type Plugin, type Printer } from 'prettier';
import * as sql from 'prettier-plugin-sql-cst';

const { fill, group, hardline, indent, join, line } = doc.builders;
const { stripTrailingHardline } = doc.utils;

/** What is used here of the nodes of sql-parser-cst. */
interface Node {
  type: string;
  range: [number, number];
  leading?: unknown[];
  trailing?: unknown[];
  name?: string | Node;
  expr?: Node;
  columns?: Node;
  values?: Node;
  right?: Node;
  items?: Node[];
  clauses?: Node[];
}

type Print = (selector: string) => Doc;
/** Answers undefined where the plugin's own printer is to do it. */
type NodePrinter = (print: Print, node: Node, path: AstPath<Node>, text: string) => Doc | undefined;

const printers: Record<string, NodePrinter> = {
  list_expr(print, node, path) {
    const items = print('items') as Doc[];
    if (takesPairs(path)) return filled(pairs(items));
    const filling = isOfArguments(path) ? !node.items?.some(({ type }) => type === 'paren_expr') : isOfColumns(path);
    return filling ? filled(items.map((item) => group(item))) : undefined;
  },

  // The plugin always breaks a case expression.
  case_expr: (print, node) =>
    group([
      print('caseKw'),
      node.expr ? [' ', print('expr')] : '',
      indent([line, join(line, print('clauses') as Doc[])]),
      line,
      print('endKw'),
    ]),

  // What does not fit behind `when` or `else` stands indented below it.
  case_when: (print, _node, path) =>
    path.parent?.type === 'case_expr'
      ? indent(join(' ', [print('whenKw'), print('condition'), print('thenKw'), print('result')]))
      : undefined,
  case_else: (print, _node, path) =>
    path.parent?.type === 'case_expr' ? indent([print('elseKw'), ' ', print('result')]) : undefined,

  // The parentheses open on the line of the table, and of `values`.
  insert_clause: (print, node) =>
    node.columns && !hasComments(node.columns)
      ? group([print('insertKw'), ' ', print('intoKw'), ' ', print('table'), ' ', print('columns')])
      : undefined,
  values_clause: (print, node) =>
    node.values?.items?.length === 1 ? group([print('valuesKw'), ' ', print('values')]) : undefined,

  // A subquery's parenthesis opens on the line of `from`.
  from_clause(print, node) {
    const source = node.expr?.type === 'alias' ? node.expr.expr : node.expr;
    return source?.type === 'paren_expr' && !hasComments(source) ? [print('fromKw'), ' ', print('expr')] : undefined;
  },

  // A query that does not fit stands indented between `in` and `loop`.
  for_loop_stmt: (print, node) =>
    node.right?.type === 'for_range'
      ? undefined
      : [
          group([
            join(' ', [print('forKw'), print('left'), print('inKw')]),
            indent([line, print('right')]),
            line,
            'loop',
          ]),
          print('loop'),
        ],
  loop_stmt: (print, _node, path) =>
    path.parent?.type === 'for_loop_stmt' && path.parent.right?.type !== 'for_range'
      ? [indent([hardline, stripTrailingHardline(print('body'))]), hardline, join(' ', print('endLoopKw') as Doc[])]
      : undefined,

  return_query_stmt: (print, node) =>
    node.expr?.type === 'execute_expr'
      ? undefined
      : group([join(' ', print('returnQueryKw') as Doc[]), indent([line, print('expr')])]),

  // An `if` that was written on one line stays there if it fits.
  if_stmt: (print, node, _path, text) =>
    isOneLineIf(node, text)
      ? group([...(print('clauses') as Doc[]), line, join(' ', print('endIfKw') as Doc[])])
      : undefined,
  if_clause: (print, _node, path, text) =>
    path.parent && isOneLineIf(path.parent, text)
      ? [
          join(' ', [print('ifKw'), print('condition'), print('thenKw')]),
          indent([line, stripTrailingHardline(print('consequent'))]),
        ]
      : undefined,
};

function filled(items: Doc[]): Doc {
  return fill(items.flatMap((item, i) => (i < items.length - 1 ? [[item, ','], line] : [item])));
}

/** Keys with their values: they must not come apart. */
function pairs(items: Doc[]): Doc[] {
  return items.flatMap((item, i) => (i % 2 === 0 ? [group([item, ', ', items[i + 1] ?? ''])] : []));
}

/** list_expr < func_args < paren_expr < func_call */
function isOfArguments(path: AstPath<Node>): boolean {
  return path.parent?.type === 'func_args';
}

/** The columns of a select or an insert, the values of an insert, the items of an array. */
function isOfColumns(path: AstPath<Node>): boolean {
  const [parent, above, top] = [0, 1, 2].map((level) => path.getParentNode(level)?.type);
  if (parent === 'select_clause' || parent === 'array_expr') return true;
  if (parent !== 'paren_expr') return false;
  return above === 'insert_clause' || (above === 'list_expr' && top === 'values_clause');
}

function takesPairs(path: AstPath<Node>): boolean {
  if (!isOfArguments(path)) return false;
  const call = path.getParentNode(2);
  const name = typeof call?.name === 'object' ? call.name.name : undefined;
  return name === 'jsonb_build_object' && (path.node.items?.length ?? 1) % 2 === 0;
}

function isOneLineIf(node: Node, text: string): boolean {
  return node.clauses?.length === 1 && !text.slice(...node.range).includes('\n');
}

function hasComments(node: Node): boolean {
  return (node.leading?.length ?? 0) + (node.trailing?.length ?? 0) > 0;
}

const base = (sql.printers as Record<string, Printer<Node>>)['sql-cst']!;

/** The plugin for `prettier.format`. */
export const layout: Plugin<Node> = {
  languages: sql.languages,
  options: sql.options,
  parsers: sql.parsers as unknown as Plugin<Node>['parsers'],
  printers: {
    'sql-cst': {
      ...base,
      print: (path, options: ParserOptions<Node>, print, args) =>
        printers[path.node?.type]?.((selector) => print(selector as never), path.node, path, options.originalText) ??
        base.print(path, options, print, args),
    },
  },
};

/** Keywords, types and literals in lower case; 120 columns. */
export const settings = {
  parser: 'postgresql',
  printWidth: 120,
  sqlKeywordCase: 'lower',
  sqlLiteralCase: 'lower',
  sqlTypeCase: 'lower',
  sqlExperimentalPlpgsql: true,
};
