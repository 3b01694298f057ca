import type { JsonObject } from '@kplug/controller';
import { findLabelFault } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';

/** Label selector as Kubernetes has it in resources. */
export interface LabelSelector extends JsonObject {
  matchLabels: Record<string, string>;
  matchExpressions: { key: string; operator: string; values?: string[] }[];
}

const set = /^(?<key>\S+)\s+(?<operator>in|notin)\s+\((?<values>[^()]*)\)$/;
const equality = /^(?<key>[^=!\s]+)\s*(?<operator>==?|!=)\s*(?<value>[^=!\s]*)$/;
const presence = /^(?<not>!?)\s*(?<key>[^=!\s]+)$/;

/** Reads a label selector as `kubectl --selector` does. Throws a `CommandError`. */
export function parseSelector(text: string): LabelSelector {
  const selector: LabelSelector = { matchLabels: {}, matchExpressions: [] };
  for (const part of split(text)) {
    if (!addPart(selector, part)) throw malformed(text, `"${part}" is no requirement`);
  }
  const expressions = selector.matchExpressions.flatMap(({ key, values = [''] }) =>
    values.map((value) => [key, value] as const),
  );
  for (const [key, value] of [...Object.entries(selector.matchLabels), ...expressions]) {
    const fault = findLabelFault({ [key]: value });
    if (fault) throw malformed(text, `the label "${fault.key}" ${fault.message}`);
  }
  return selector;
}

/** Splits at commas that aren't in parentheses. */
function split(text: string): string[] {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return text.trim() === '' ? [] : parts;
}

function addPart({ matchLabels, matchExpressions }: LabelSelector, part: string): boolean {
  const inSet = set.exec(part)?.groups;
  if (inSet) {
    const { key = '', operator, values = '' } = inSet;
    const listed = values.split(',').map((value) => value.trim());
    matchExpressions.push({ key, operator: operator === 'in' ? 'In' : 'NotIn', values: listed });
    return true;
  }
  const equal = equality.exec(part)?.groups;
  if (equal) {
    const { key = '', operator, value = '' } = equal;
    if (operator === '!=') matchExpressions.push({ key, operator: 'NotIn', values: [value] });
    // A second value of a label matches nothing, as it does for kubectl.
    else if (Object.hasOwn(matchLabels, key)) matchExpressions.push({ key, operator: 'In', values: [value] });
    else matchLabels[key] = value;
    return true;
  }
  const present = presence.exec(part)?.groups;
  if (!present) return false;
  matchExpressions.push({ key: present.key ?? '', operator: present.not ? 'DoesNotExist' : 'Exists' });
  return true;
}

function malformed(text: string, fault: string): CommandError {
  const example = 'write it as for kubectl, such as owner=me or "owner=me,tier in (dev,test),!pinned"';
  return new CommandError('usage', `--selector "${text}": ${fault}; ${example}`);
}
