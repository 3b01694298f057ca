import { runInReverse } from '@kplug/controller/tools';

/** Steps that undo what a command did, in the reverse order. Node.js 22 has no `AsyncDisposableStack`. */
export class Cleanup implements AsyncDisposable {
  readonly #steps: (() => unknown)[] = [];

  /** Adds a step. */
  defer(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Adds the disposal of a resource, and returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runInReverse(this.#steps.splice(0));
  }
}
