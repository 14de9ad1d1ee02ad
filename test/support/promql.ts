import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';

/** A selector of an expression: the name of the series, and the labels that it matches. */
export interface Selector {
  series: string;
  labels: string[];
}

/** What an expression in PromQL asks for. */
export interface Reading {
  selectors: Selector[];
  /** Labels of `by`, `without`, `on` and `ignoring`. */
  grouping: string[];
}

/**
 * Reads PromQL with the grammar of Prometheus.
 * @throws {Error} if it is no PromQL.
 */
export function readPromql(expr: string): Reading {
  const reading: Reading = { selectors: [], grouping: [] };
  const text = (node: SyntaxNode) => expr.slice(node.from, node.to);
  parser.parse(expr).iterate({
    enter({ type, from, node }) {
      if (type.isError) throw new Error(`no PromQL at character ${from}: ${expr}`);
      if (type.name === 'VectorSelector') {
        const name = node.getChild('Identifier');
        const matchers = node.getChild('LabelMatchers');
        const labels = matchers ? below(matchers, 'LabelName') : [];
        reading.selectors.push({ series: name ? text(name) : '', labels: labels.map(text) });
      }
      if (type.name === 'GroupingLabels') reading.grouping.push(...below(node, 'LabelName').map(text));
    },
  });
  return reading;
}

/** All nodes of a kind below a node. */
function below(top: SyntaxNode, kind: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  top.cursor().iterate(({ type, node }) => {
    if (type.name === kind) found.push(node);
  });
  return found;
}
