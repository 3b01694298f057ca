import type { RequiredResources, ResourceRequirement } from '@kplug/protocol';
import type { Received, Required, RequiredResource, Requirement, ResourceShape } from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import { decodeResource } from './resources.ts';

type Sent = Readonly<Record<string, RequiredResources>>;

/** Required resources of one call. They are decoded on first use. */
export class ReceivedRequired implements Required {
  readonly #sent: Sent;
  readonly #decoded = new Map<string, Received<ResourceShape>[]>();

  constructor(sent: Sent) {
    this.#sent = sent;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#sent, name);
  }

  get<Shape extends object = ResourceShape>(name: string): RequiredResource<Shape> | undefined {
    return this.all<Shape>(name)[0];
  }

  all<Shape extends object = ResourceShape>(name: string): RequiredResource<Shape>[] {
    const known = this.#decoded.get(name);
    const items = known ?? (this.has(name) ? (this.#sent[name]?.items ?? []) : []).map((one) => decodeResource(one));
    this.#decoded.set(name, items);
    return items as unknown as RequiredResource<Shape>[];
  }
}

/** Encodes what a plugin requires. Throws if the controller is too old to read it. */
export function encodeRequirements(
  require: Readonly<Record<string, Requirement>>,
  isSupported: boolean,
): Record<string, Omit<ResourceRequirement, '$typeName'>> {
  const entries = Object.entries(require);
  if (entries.length > 0 && !isSupported) {
    throw new PluginError(
      'Terminal',
      'the plugin requires further resources, which the operator does not send; upgrade it',
      {
        reason: 'RequirementsUnsupported',
      },
    );
  }
  return Object.fromEntries(
    entries.map(([title, { apiVersion, kind, namespace = '', name = '', labels = {} }]) => {
      return [title, { apiVersion, kind, namespace, name, labels }];
    }),
  );
}
