import type { DiagnosisParts, KnownBase } from './known-base.ts';
import type { TraceNode } from './trace-node.ts';

/** Root cause of the state of a resource. */
export interface Finding {
  /** Reason in one PascalCase word. */
  reason: string;
  /** The cause in one sentence. */
  summary: string;
  /** What to do next; empty if nothing is to be done. */
  advice: string;
  /** Further facts, one sentence each. Default: none. */
  details?: readonly string[];
}

/** Resource whose state is to be explained. */
export interface Case {
  known: KnownBase;
  /** What the state of the resource names as its cause, which is no delegated resource; `undefined` if it is the resource itself. */
  culprit: TraceNode | undefined;
  parts: DiagnosisParts;
}

/** Explains a case that it applies to. Returns `undefined` for any other. */
export type Rule = (given: Case) => Finding | undefined;
