// expressions/: CEL expressions of plugins, with a bounded cost.
import { type CelInput, type CelResult, CelScalar, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { KplugError, messageOf } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';
import type { JsonValue } from '../resources/resource.ts';
import { celValueOf } from './cel-value.ts';
import { ExpressionCost } from './expression-cost.ts';

/** Resources that an expression may read. */
export interface ExpressionInput {
  /** Resource, or value in it, that the expression is about. `undefined`: it doesn't exist; the expression reads `null`. */
  self: object | JsonValue | undefined;
  /** Base resource. */
  base: object;
}

/** Value of an expression, or the reason why it has none. */
export type ExpressionResult = { value: boolean; fault?: never } | { value?: never; fault: string };

const { maxLength, maxCached, maxFaultLength } = limits.expressions;

const environment = celEnv({ variables: { self: CelScalar.DYN, base: CelScalar.DYN }, funcs: strings });

/** Expressions by text: each pass reads those of its dependents again. */
const cache = new Map<string, Expression>();

/** CEL expression over the variables `self` and `base`, whose value is a boolean. */
export class Expression {
  readonly #evaluate: (variables: { self: CelInput; base: CelInput }) => CelResult;
  readonly #cost: ExpressionCost;

  private constructor(text: string) {
    if (text.length > maxLength) {
      throw new KplugError('InvalidResponse', `has ${text.length} characters; at most ${maxLength} are allowed`);
    }
    try {
      const parsed = parse(text);
      this.#cost = new ExpressionCost(parsed.expr);
      this.#evaluate = plan(environment, parsed);
    } catch (error) {
      if (error instanceof KplugError) throw error;
      const message = `is not a valid CEL expression: ${cutText(messageOf(error), maxFaultLength)}`;
      throw new KplugError('InvalidResponse', message, { cause: error });
    }
  }

  /** Parses an expression. Throws `InvalidResponse`; its message continues a sentence that names the expression. */
  static parse(text: string): Expression {
    const cached = cache.get(text);
    if (cached) return cached;
    const expression = new Expression(text);
    if (cache.size >= maxCached) cache.clear();
    cache.set(text, expression);
    return expression;
  }

  evaluate({ self, base }: ExpressionInput): ExpressionResult {
    const excess = this.#cost.findExcess([self, base] as (JsonValue | undefined)[]);
    if (excess) return { fault: excess };
    try {
      const value = this.#evaluate({ self: celValueOf(self), base: celValueOf(base) });
      if (isCelError(value)) return { fault: cutText(value.message, maxFaultLength) };
      if (typeof value === 'boolean') return { value };
      return { fault: 'its value is not a boolean' };
    } catch (error) {
      return { fault: cutText(messageOf(error), maxFaultLength) };
    }
  }
}
