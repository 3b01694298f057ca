import type { Resource } from '@kplug/protocol';
import type { Dependents, Received, ResourceShape } from './plugin.ts';
import { decodeResource } from './resources.ts';

/** The dependents of one call. They are decoded when somebody looks at them: most plugins have none. */
export class ReceivedDependents implements Dependents {
  readonly #sent: Readonly<Record<string, Resource>>;
  #decoded: Received<ResourceShape>[] | undefined;

  constructor(sent: Readonly<Record<string, Resource>>) {
    this.#sent = sent;
  }

  get(kind: string, name: string): Received<ResourceShape> | undefined {
    return this.all().find((dependent) => dependent.kind === kind && dependent.metadata.name === name);
  }

  all(): Received<ResourceShape>[] {
    this.#decoded ??= Object.values(this.#sent).map((sent) => decodeResource(sent));
    return this.#decoded;
  }
}
