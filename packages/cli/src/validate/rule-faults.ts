import { type JsonObject, type JsonValue, KplugError } from '@kplug/controller';
import { Expression, formatPath } from '@kplug/controller/tools';
import { objectsIn } from '../doctor/read-json.ts';
import type { DocumentFault, FieldPath } from './finding.ts';
import type { SchemaNode } from './structural-schema.ts';

/** Faults of CEL that the API server reports as violations, too: a field of the expression is missing. */
const missingField = /^(field not found|no such (key|field))/;

/**
 * Checks the CEL rules (`x-kubernetes-validations`) that schemas have for values. Rules on changes, with `oldSelf`, need a former value and
 * are left out. A rule that can't be evaluated here, for example by a function of Kubernetes alone, is reported once.
 */
export class RuleChecker {
  readonly #reported = new Set<string>();

  check({ value, schema, path }: SchemaNode): DocumentFault[] {
    return objectsIn(schema['x-kubernetes-validations']).flatMap((validation) => {
      const { rule } = validation;
      if (typeof rule !== 'string' || /\boldSelf\b/.test(rule)) return [];
      return this.#checkRule(rule, validation, { value, path });
    });
  }

  #checkRule(
    rule: string,
    { message, fieldPath }: JsonObject,
    { value, path }: { value: JsonValue; path: FieldPath },
  ): DocumentFault[] {
    const { value: isMet, fault } = evaluate(rule, value);
    if (isMet) return [];
    const field = formatPath(path) || 'the resource';
    if (fault === undefined || missingField.test(fault)) {
      const stated =
        typeof message === 'string' && message !== '' ? message.trim() : `does not meet the rule: ${rule.trim()}`;
      const at = typeof fieldPath === 'string' ? [...path, ...fieldPath.split('.').filter(Boolean)] : path;
      const reason = fault === undefined ? '' : ` (${fault})`;
      return [{ check: 'RuleViolated', severity: 'error', path: at, message: `${field}: ${stated}${reason}` }];
    }
    if (this.#reported.has(rule)) return [];
    this.#reported.add(rule);
    const text = `${field}: a rule of the schema can't be checked here: ${fault}; the rule is ${rule.trim()}`;
    return [{ check: 'RuleNotChecked', severity: 'warning', path, message: text }];
  }
}

function evaluate(rule: string, self: JsonValue): { value?: boolean; fault?: string } {
  try {
    return Expression.parse(rule).evaluate({ self, base: {} });
  } catch (error) {
    if (error instanceof KplugError) return { fault: `it ${error.message}` };
    throw error;
  }
}
