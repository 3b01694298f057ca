import { parser } from '@prometheus-io/lezer-promql';

/** What an expression in PromQL reads. */
export interface PromqlNames {
  /** Metrics, each with the labels that it is selected by. */
  selected: { metric: string; labels: string[] }[];
  /** Labels that results are grouped, matched or extended by. */
  grouping: string[];
}

type Node = ReturnType<ReturnType<typeof parser.parse>['topNode']['getChildren']>[number];

/** Returns the metrics and labels that an expression names. Throws a `SyntaxError` if it cannot be parsed. */
export function namesOf(expr: string): PromqlNames {
  const names: PromqlNames = { selected: [], grouping: [] };
  const textOf = ({ from, to }: { from: number; to: number }) => expr.slice(from, to);
  parser.parse(expr).iterate({
    enter: ({ type, node }) => {
      if (type.isError) throw new SyntaxError(`${expr}\n${' '.repeat(node.from)}^`);
      if (type.name === 'GroupingLabels') names.grouping.push(...node.getChildren('LabelName').map(textOf));
      if (type.name === 'VectorSelector') {
        const [identifier] = node.getChildren('Identifier');
        names.selected.push({ metric: identifier ? textOf(identifier) : '', labels: labelNames(node).map(textOf) });
      }
    },
  });
  return names;
}

function labelNames(selector: Node): Node[] {
  return selector
    .getChildren('LabelMatchers')
    .flatMap((matchers) => matchers.getChildren('UnquotedLabelMatcher'))
    .flatMap((matcher) => matcher.getChildren('LabelName'));
}
