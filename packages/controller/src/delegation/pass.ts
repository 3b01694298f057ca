import { keyOf, type Resource, type ResourceKey } from '../resources/resource.ts';
import type { Gathered } from './gather.ts';
import type { PassContext } from './pass-context.ts';
import { Reporter } from './report.ts';

/** One pass over one base resource: the state that its steps share. */
export class Pass {
  readonly context: PassContext;
  readonly gathered: Gathered;
  /** Consecutive failures before this pass, plus one. */
  readonly attempt: number;
  readonly reporter: Reporter;

  constructor(context: PassContext, gathered: Gathered, attempt: number) {
    this.context = context;
    this.gathered = gathered;
    this.attempt = attempt;
    this.reporter = new Reporter(context, gathered);
  }

  get base(): Resource {
    return this.gathered.base;
  }

  get key(): ResourceKey {
    return keyOf(this.gathered.base);
  }
}
