import type { Resource } from '@kplug/controller';
import { type ClusterReader, describeReference, type NamedKind, openClusterReader } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { type ClusterChoice, kubeConfigOf, meansCluster } from '../operator/cluster-choice.ts';
import { findServedKind } from './find-served-kind.ts';
import { readResourceName } from './resource-name.ts';

/** Options of commands that annotate a resource. */
export interface AnnotationChoice extends ClusterChoice {
  namespace?: string;
}

/** Values of annotations by their names; `null` removes one. */
export type Annotations = Readonly<Record<string, string | null>>;

/** Resource of a cluster that a command annotates. */
export class AnnotatedResource {
  readonly #reader: ClusterReader;
  readonly #kind: NamedKind;
  readonly #place: { namespace: string; name: string };

  private constructor(reader: ClusterReader, kind: NamedKind, place: { namespace: string; name: string }) {
    this.#reader = reader;
    this.#kind = kind;
    this.#place = place;
  }

  /**
   * Finds the kind of a resource on the cluster that a command line names. Rejects with a `CommandError`.
   *
   * @param target `KIND/NAME`
   * @param advised annotations that the user sets in the manifest, if the resource is in a directory.
   */
  static async open(target: string, choice: AnnotationChoice, advised: Annotations): Promise<AnnotatedResource> {
    const { kind, name } = readResourceName(target);
    if (!name) throw new CommandError('usage', `"${target}" has no name; write KIND/NAME, such as DatabaseTable/users`);
    if (!meansCluster(choice)) {
      const advice = `for a cluster, add --cluster; on a directory, whose files are yours to edit, ${describeEdit(advised)}`;
      throw new CommandError('usage', `no cluster is given: ${advice}`);
    }
    const reader = await openClusterReader(kubeConfigOf(choice));
    try {
      const served = await findServedKind(reader, kind);
      const namespace = served.namespaced ? (choice.namespace ?? reader.namespace) : '';
      return new AnnotatedResource(reader, served, { namespace, name });
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** Name of the resource for people: `DatabaseTable default/users`. */
  get text(): string {
    return describeReference({ ...this.#kind, ...this.#place });
  }

  /** Name of the resource for a command line: `DatabaseTable/users -n default`. */
  get argument(): string {
    const { namespace, name } = this.#place;
    return `${this.#kind.kind}/${name}${namespace ? ` -n ${namespace}` : ''}`;
  }

  /** Reads the resource. Rejects with a `CommandError` if it doesn't exist. */
  async read(): Promise<Resource> {
    const { namespace, name } = this.#place;
    return (await this.#reader.get(this.#kind, namespace, name)) ?? this.#refuse();
  }

  /** Sets or removes annotations, and returns the resource. Rejects with a `CommandError` if it doesn't exist. */
  async annotate(annotations: Annotations): Promise<Resource> {
    return (await this.#reader.annotate(this.#kind, this.#place, annotations)) ?? this.#refuse();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.close();
  }

  #refuse(): never {
    throw new CommandError('notFound', `${this.text} does not exist in the cluster at ${this.#reader.server}`);
  }
}

function describeEdit(annotations: Annotations): string {
  const edits = Object.entries(annotations).map(([name, value]) =>
    value === null ? `remove the annotation ${name}` : `set the annotation ${name} to ${JSON.stringify(value)}`,
  );
  return `${edits.join(' and ')} in the manifest`;
}
