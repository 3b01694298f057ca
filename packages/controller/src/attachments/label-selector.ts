import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { isJsonObject } from '../resources/json.ts';
import { findLabelFault } from '../resources/labels.ts';
import type { JsonObject, JsonValue } from '../resources/resource.ts';

/** Reports whether labels match a selector. */
export type LabelPredicate = (labels: Readonly<Record<string, string>>) => boolean;

const { maxRequirements, maxSelectorValues } = limits.attachments;

/**
 * Reads a label selector of Kubernetes, with `matchLabels` and `matchExpressions`. An empty one matches everything. Throws
 * `InvalidConfiguration`.
 */
export function readLabelSelector(selector: JsonValue | undefined): LabelPredicate {
  if (!isJsonObject(selector)) throw invalid('must be an object with matchLabels or matchExpressions');
  const { matchLabels = {}, matchExpressions = [], ...others } = selector;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`has the unknown field ${unknown}`);
  if (!isJsonObject(matchLabels)) throw invalid('.matchLabels must be an object');
  if (!Array.isArray(matchExpressions)) throw invalid('.matchExpressions must be a list');
  if (Object.keys(matchLabels).length + matchExpressions.length > maxRequirements) {
    throw invalid(`has more than ${maxRequirements} labels and expressions`);
  }
  const all = [...Object.entries(matchLabels).map(readLabel), ...matchExpressions.map(readExpression)];
  return (labels) => all.every((matches) => matches(labels));
}

/** Reports whether a selector matches everything. */
export function isEmptySelector(selector: JsonValue | undefined): boolean {
  if (!isJsonObject(selector)) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.keys(matchLabels ?? {}).length === 0 && Array.isArray(matchExpressions) && matchExpressions.length === 0
  );
}

function readLabel([name, value]: [string, JsonValue | undefined]): LabelPredicate {
  if (typeof value !== 'string') throw invalid(`.matchLabels["${name}"] must be a string`);
  checkLabel(name, value);
  return (labels) => labelOf(labels, name) === value;
}

function readExpression(expression: JsonValue): LabelPredicate {
  const { key, operator, values = [] }: JsonObject = isJsonObject(expression) ? expression : {};
  if (typeof key !== 'string') throw invalid('.matchExpressions has an expression without a key');
  checkLabel(key, '');
  const texts = readValues(key, values);
  const hasValues = texts.size > 0;
  if ((operator === 'In' || operator === 'NotIn') !== hasValues) {
    throw invalid(`.matchExpressions of "${key}": In and NotIn take values, and others none`);
  }
  switch (operator) {
    case 'In':
      return (labels) => texts.has(labelOf(labels, key) ?? absent);
    case 'NotIn':
      return (labels) => !texts.has(labelOf(labels, key) ?? absent);
    case 'Exists':
      return (labels) => labelOf(labels, key) !== undefined;
    case 'DoesNotExist':
      return (labels) => labelOf(labels, key) === undefined;
    default:
      throw invalid(`.matchExpressions of "${key}": operator must be In, NotIn, Exists or DoesNotExist`);
  }
}

function readValues(key: string, values: JsonValue): ReadonlySet<string> {
  if (!Array.isArray(values)) throw invalid(`.matchExpressions of "${key}": values must be a list`);
  if (values.length > maxSelectorValues)
    throw invalid(`.matchExpressions of "${key}" has more than ${maxSelectorValues} values`);
  const texts = new Set<string>();
  for (const value of values) {
    if (typeof value !== 'string') throw invalid(`.matchExpressions of "${key}": values must be strings`);
    checkLabel(key, value);
    texts.add(value);
  }
  return texts;
}

/** Text that is no value of a label. */
const absent = '\n';

function labelOf(labels: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}

function checkLabel(name: string, value: string): void {
  const fault = findLabelFault({ [name]: value });
  if (fault) throw invalid(`: the label "${fault.key}" ${fault.message}`);
}

function invalid(fault: string): KplugError {
  return new KplugError('InvalidConfiguration', `selector${/^[.:]/.test(fault) ? '' : ' '}${fault}`);
}
