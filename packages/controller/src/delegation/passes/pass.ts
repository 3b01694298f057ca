import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { PassSteps } from '../../telemetry/pass-steps.ts';
import type { HeldAnswer } from '../calls/held-answers.ts';
import type { KeptAnswer } from '../calls/kept-answers.ts';
import type { Gathered } from '../extensions/gather.ts';
import type { PassContext } from './pass-context.ts';
import { Reporter } from './report.ts';

/** State of a resource from its earlier passes. */
export interface PassState {
  /** Consecutive failures before this pass, plus one. */
  attempt: number;
  /** Answers of an earlier pass that are yet to be written. */
  kept: KeptAnswer;
  /** Validity of the answers of an earlier pass. */
  held: HeldAnswer;
  /** True if the earlier pass failed to write. */
  hasFailedWrite: boolean;
  /** Steps of the pass. */
  steps: PassSteps;
}

/** One pass over one base resource: the state that its steps share. */
export class Pass {
  readonly context: PassContext;
  readonly gathered: Gathered;
  /** Consecutive failures before this pass, plus one. */
  readonly attempt: number;
  /** Answers of an earlier pass that are yet to be written. */
  readonly kept: KeptAnswer;
  /** Validity of the answers of an earlier pass. */
  readonly held: HeldAnswer;
  readonly reporter: Reporter;
  readonly steps: PassSteps;

  /** True if the earlier pass failed to write. */
  readonly hasFailedWrite: boolean;

  constructor(context: PassContext, gathered: Gathered, { attempt, kept, held, hasFailedWrite, steps }: PassState) {
    this.context = context;
    this.gathered = gathered;
    this.attempt = attempt;
    this.kept = kept;
    this.held = held;
    this.hasFailedWrite = hasFailedWrite;
    this.steps = steps;
    this.reporter = new Reporter(context, gathered);
  }

  get base(): Resource {
    return this.gathered.base;
  }

  get key(): ResourceKey {
    return keyOf(this.gathered.base);
  }
}
