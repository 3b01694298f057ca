import type { Expr } from '@bufbuild/cel-spec/cel/expr/syntax_pb.js';
import { KplugError } from '../errors.ts';
import { limits } from '../limits/limits.ts';
import type { JsonValue } from '../resources/resource.ts';

const { maxNodes, maxNesting, maxCost, textPerCost } = limits.expressions;

/**
 * Upper bound of the cost of an expression: the number of its nodes that are evaluated, if every loop runs over the largest list or map
 * of its input. It is known before the expression is evaluated, which can't be interrupted.
 */
export class ExpressionCost {
  #nodes = 0;
  #nesting = 0;

  /** Throws `InvalidResponse` if an expression is too large for any input. */
  constructor(expression: Expr) {
    this.#count(expression, 0);
    if (this.#nodes > maxNodes) {
      throw new KplugError('InvalidResponse', `has more than ${maxNodes} terms; simplify it`);
    }
    if (this.#nesting > maxNesting) {
      throw new KplugError('InvalidResponse', `has more than ${maxNesting} nested loops; simplify it`);
    }
  }

  /** Returns a description of the excess if the expression may cost too much with an input. */
  findExcess(input: readonly (JsonValue | undefined)[]): string | undefined {
    const { elements, text } = largestOf(input);
    // An expression may concatenate lists and texts, at most once in each of its nodes.
    const loops = (elements * this.#nodes + this.#nodes) ** this.#nesting;
    const cost = this.#nodes * loops * (1 + Math.floor(text / textPerCost));
    if (cost <= maxCost) return undefined;
    return `it may take ${cost.toLocaleString('en')} steps, more than ${maxCost.toLocaleString('en')}, with lists of ${elements} elements and texts of ${text} characters`;
  }

  #count(expression: Expr | undefined, nesting: number): void {
    if (!expression) return;
    this.#nodes += 1;
    // The parser bounds the depth by the length of the text, so the recursion is bounded too.
    for (const child of childrenOf(expression)) this.#count(child.expression, nesting + (child.isRepeated ? 1 : 0));
    this.#nesting = Math.max(this.#nesting, nesting);
  }
}

interface Child {
  expression: Expr | undefined;
  /** True if a loop evaluates the expression for each element. */
  isRepeated?: boolean;
}

function childrenOf({ exprKind }: Expr): Child[] {
  switch (exprKind.case) {
    case 'selectExpr':
      return [{ expression: exprKind.value.operand }];
    case 'callExpr':
      return [{ expression: exprKind.value.target }, ...exprKind.value.args.map((expression) => ({ expression }))];
    case 'listExpr':
      return exprKind.value.elements.map((expression) => ({ expression }));
    case 'structExpr':
      return exprKind.value.entries.flatMap(({ keyKind, value }) => {
        const key = keyKind.case === 'mapKey' ? [{ expression: keyKind.value }] : [];
        return [...key, { expression: value }];
      });
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      const once = [iterRange, accuInit, result].map((expression) => ({ expression }));
      return [...once, ...[loopCondition, loopStep].map((expression) => ({ expression, isRepeated: true }))];
    }
    default:
      return [];
  }
}

/** Returns the number of elements of the largest list or map of an input, and the length of its longest text. */
function largestOf(input: readonly (JsonValue | undefined)[]): { elements: number; text: number } {
  let elements = 0;
  let text = 0;
  const pending = [...input];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value === 'string') text = Math.max(text, value.length);
    if (typeof value !== 'object' || value === null) continue;
    const inner = Object.values(value);
    elements = Math.max(elements, inner.length);
    // Pushed one by one, as a call with very many arguments fails.
    for (const one of inner) pending.push(one);
  }
  return { elements, text };
}
