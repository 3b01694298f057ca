import type { DependentRules } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import { Expression } from '../../expressions/expression.ts';
import { limits } from '../../limits/limits.ts';
import { cutText } from '../../resources/cut-text.ts';
import { formatKey, groupOf, parseKey, type ResourceKey, type ResourceReference } from '../../resources/resource.ts';
import { orderOf } from './order.ts';

const { maxQuotedLength } = limits.calls;

/** Checked rules of a dependent. */
export interface ReadRules {
  /** Dependents that must be ready before this one is applied. */
  requires: readonly ResourceKey[];
  readyWhen: Expression | undefined;
  includeWhen: Expression | undefined;
  /** Time to become ready, in milliseconds. `undefined`: that of the delegation. */
  readyTimeout: number | undefined;
  policy: DependentRules['policy'];
  /** True if the dependent is released instead of deleted. */
  retain: boolean;
}

/**
 * Reads the rules of dependents. Returns them in the order in which the dependents are applied. Throws `InvalidResponse` for a name that
 * isn't that of exactly one dependent, for an invalid expression, and for a cycle, which it names.
 */
export function readRules(
  keys: readonly ResourceKey[],
  rules: ReadonlyMap<string, DependentRules>,
): Map<ResourceKey, ReadRules> {
  const names = new Names(keys);
  const byKey = new Map([...rules].map(([name, one]) => [names.resolve(name, 'has rules for'), one]));
  const isGraph = [...rules.values()].some(({ dependsOn }) => dependsOn.length > 0);
  const read = keys.map((key, index): [ResourceKey, ReadRules] => {
    const {
      dependsOn = [],
      readyWhen,
      includeWhen,
      readyTimeout,
      policy = 'Apply',
      retain = false,
    } = byKey.get(key) ?? {};
    const name = nameOf(key);
    const former = keys[index - 1];
    const inOrder = former === undefined ? [] : [former];
    const requires = isGraph ? dependsOn.map((one) => names.resolve(one, `lets ${name} depend on`)) : inOrder;
    const parse = (field: string, text: string | undefined) => text && parseExpression(`${field} of ${name}`, text);
    return [
      key,
      {
        requires,
        readyWhen: parse('ready_when', readyWhen) || undefined,
        includeWhen: parse('include_when', includeWhen) || undefined,
        readyTimeout,
        policy,
        retain,
      },
    ];
  });
  const { order, cycle } = orderOf(read.map(([, { requires }]) => requires.map((key) => keys.indexOf(key))));
  if (!cycle) return new Map(order.flatMap((index) => [read[index] ?? []]) as typeof read);
  const path = cycle.map((index) => nameOf(keys[index] ?? '')).join(' → ');
  throw invalid(`the dependents that the plugin requests depend on each other in a cycle: ${path}`);
}

/** Returns a description of what is wrong with the rules of dependents, if anything. */
export function findRulesFault(
  references: readonly Omit<ResourceReference, 'namespace'>[],
  rules: Readonly<Record<string, { dependsOn: readonly string[]; readyWhen: string; includeWhen: string }>>,
): string | undefined {
  const complete = Object.entries(rules).map(([name, { dependsOn, readyWhen, includeWhen }]) => {
    return [
      name,
      { dependsOn, readyWhen, includeWhen, readyTimeout: undefined, policy: 'Apply', retain: false },
    ] as const;
  });
  try {
    readRules(
      references.map((reference) => formatKey({ ...reference, namespace: '' })),
      new Map(complete),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof KplugError)) throw error;
    return error.message;
  }
}

/** Returns the name of a dependent in its answer: `Kind/name`. */
export function nameOf(key: ResourceKey): string {
  const { kind, name } = parseKey(key);
  return `${kind}/${name}`;
}

/** Names of the dependents of one answer. */
class Names {
  readonly #keys = new Map<string, ResourceKey[]>();

  constructor(keys: readonly ResourceKey[]) {
    for (const key of keys) {
      const { apiVersion, kind, name } = parseKey(key);
      const group = groupOf(apiVersion);
      const names = new Set([`${kind}/${name}`, group ? `${kind}.${group}/${name}` : `${kind}/${name}`]);
      for (const one of names) this.#keys.set(one, [...(this.#keys.get(one) ?? []), key]);
    }
  }

  resolve(name: string, use: string): ResourceKey {
    const [key, another] = this.#keys.get(name) ?? [];
    const quoted = cutText(name, maxQuotedLength);
    if (key === undefined) throw invalid(`the plugin ${use} ${quoted}, which it doesn't request`);
    if (another === undefined) return key;
    throw invalid(`the plugin ${use} ${quoted}, which is the name of several dependents; write Kind.group/name`);
  }
}

function parseExpression(what: string, text: string): Expression {
  try {
    return Expression.parse(text);
  } catch (error) {
    if (!(error instanceof KplugError)) throw error;
    throw invalid(`${what} ${error.message}`);
  }
}

function invalid(message: string): KplugError {
  return new KplugError('InvalidResponse', message);
}
