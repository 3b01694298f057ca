import type { Resource } from '@kplug/protocol';
import type { Dependents, Received, ResourceShape } from './plugin.ts';
import { decodeResource } from './resources.ts';

/** Dependents of one call. They are decoded on first use, as most plugins have none. */
export class ReceivedDependents implements Dependents {
  readonly #sent: Readonly<Record<string, Resource>>;
  #decoded: Received<ResourceShape>[] | undefined;

  constructor(sent: Readonly<Record<string, Resource>>) {
    this.#sent = sent;
  }

  get<Shape extends ResourceShape = ResourceShape>(kind: string, name: string): Received<Shape> | undefined {
    const found = this.all().find((dependent) => dependent.kind === kind && dependent.metadata.name === name);
    return found as Received<Shape> | undefined;
  }

  all(): Received<ResourceShape>[] {
    this.#decoded ??= Object.values(this.#sent).map((sent) => decodeResource(sent));
    return this.#decoded;
  }
}
