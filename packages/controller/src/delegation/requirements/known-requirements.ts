import type { VersionedName } from '../../names.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { Requirements } from './requirement.ts';

/** Requirements of one version of a plugin for a base. */
export interface PluginRequirements {
  plugin: VersionedName;
  requirements: Requirements;
}

/** Requirements for one base. */
interface Known {
  uid: string;
  byPlugin: ReadonlyMap<string, PluginRequirements>;
}

const none: Requirements = new Map();

/** Requirements that plugins stated by their last answers, for each base. Another version of a plugin doesn't get those of a former one. */
export class KnownRequirements {
  readonly #byKey = new Map<ResourceKey, Known>();

  /** Returns the requirements of all plugins for a base. */
  all(base: Resource): readonly PluginRequirements[] {
    const known = this.#byKey.get(keyOf(base));
    return known?.uid === base.metadata.uid ? [...known.byPlugin.values()] : [];
  }

  /** Returns the requirements of a plugin for a base. */
  of(base: Resource, plugin: VersionedName): Requirements {
    const known = this.#byKey.get(keyOf(base));
    if (known?.uid !== base.metadata.uid) return none;
    return known.byPlugin.get(idOf(plugin))?.requirements ?? none;
  }

  /** Replaces the requirements of a plugin, and of its other versions. */
  set(base: Resource, plugin: VersionedName, requirements: Requirements): void {
    const others = this.all(base).filter((one) => !one.plugin.plugin.equals(plugin.plugin));
    // A copy, as the name may be a registered plugin that is removed before the base.
    const name = { plugin: plugin.plugin, version: plugin.version };
    const all = requirements.size > 0 ? [...others, { plugin: name, requirements }] : others;
    if (all.length === 0) {
      this.#byKey.delete(keyOf(base));
      return;
    }
    const { uid } = base.metadata;
    this.#byKey.set(keyOf(base), { uid, byPlugin: new Map(all.map((one) => [idOf(one.plugin), one])) });
  }

  /** Forgets a base that is gone. */
  forget(key: ResourceKey): void {
    this.#byKey.delete(key);
  }
}

function idOf({ plugin, version }: VersionedName): string {
  return `${plugin.key} ${version}`;
}
