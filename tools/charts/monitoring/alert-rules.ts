import { Document, Scalar, visit } from 'yaml';
import { type Alert, alerts } from './alerts.ts';

/** Page that describes each alert in a section. The chart replaces it if another one is set. */
export const runbooks = 'https://kplug.dev/alerts/';

/** Generates the file of alert rules, in the format of Prometheus. */
export function alertRules(): string {
  const document = new Document({ groups: [{ name: 'kplug', rules: alerts.map(ruleOf) }] });
  document.commentBefore = ' Generated from tools/charts/monitoring/alerts.ts by `pnpm generate:charts`.';
  visit(document, {
    Pair(_, { key, value }) {
      if (!(value instanceof Scalar) || !(key instanceof Scalar)) return;
      // Literal blocks keep the selector as it is, so that the chart can replace it.
      if (key.value === 'expr') value.type = Scalar.BLOCK_LITERAL;
    },
  });
  return document.toString({ lineWidth: 0 });
}

function ruleOf({ name, severity, summary, description, ...rule }: Alert): object {
  return {
    alert: name,
    expr: rule.expr,
    for: rule.for,
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbooks}#${name.toLowerCase()}` },
  };
}
