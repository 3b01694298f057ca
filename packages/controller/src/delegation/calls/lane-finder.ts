import { attachmentOfVersion } from '../../attachments/attached-version.ts';
import type { AttachmentSource } from '../../attachments/attachment.ts';
import { limits } from '../../limits/limits.ts';
import { formatPlugin, type VersionedName } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Resources } from '../../resources/port.ts';
import { parseKey, type Resource, type ResourceKey } from '../../resources/resource.ts';
import { type Choice, choiceBasisOf } from '../choices/choose.ts';
import { isPaused } from '../control-annotations.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import type { ExtensionFollower } from '../extensions/extension-follower.ts';
import { findHolder, type Holder } from '../holders/holder.ts';
import type { SlowResources } from './slow-resources.ts';

const { maxCachedLanes } = limits.delegation;

/** Dependencies of a lane finder. */
export interface LaneFinderOptions {
  settings: DelegationSettings;
  resources: Resources;
  registry: Registry;
  extensions: ExtensionFollower;
  slow: SlowResources;
  /** Returns the plugins that hold a resource. */
  holdersOf: (base: Resource) => readonly Holder[];
  choose: (base: Resource) => Choice;
  isReleased: (base: Resource) => boolean;
  attachments: AttachmentSource | undefined;
  /** Reports whether any plugin is suspended. */
  isAnySuspended: () => boolean;
}

/** Lane of the resources that wait for no plugin. */
const noPlugin = '';

/** Returns the lane of the calls of `Reconcile` of a plugin. */
export function reconcileLane(plugin: VersionedName): string {
  return `Reconcile ${laneNameOf(plugin)}`;
}

/** Returns the lane of the calls of `Finalize` of a plugin. */
export function finalizeLane(plugin: VersionedName): string {
  return `Finalize ${laneNameOf(plugin)}`;
}

/** Returns the name of a lane: that of the plugin, in which an attached one, which may be a build that hangs, has no share. */
function laneNameOf({ plugin, version }: VersionedName): string {
  const attachment = attachmentOfVersion(version);
  return attachment === undefined ? plugin.key : `${plugin.key} ${attachment}`;
}

/** Finds the lane of a resource in the queue: what its next pass will wait for. */
export class LaneFinder {
  readonly #options: LaneFinderOptions;
  /** Lanes by what the choice depends on, and by holders, at one revision of the registry. */
  readonly #lanes = new Map<string, string>();
  #revision = -1;
  #implementations: readonly Implementation[] = [];
  #isShared = false;

  constructor(options: LaneFinderOptions) {
    this.#options = options;
  }

  laneOf(key: ResourceKey): string {
    const { settings, resources, extensions, holdersOf, slow, isReleased } = this.#options;
    const base = resources.get(key);
    if (!base) return noPlugin;
    if (isPaused(base)) return noPlugin;
    const holders = holdersOf(base);
    if (base.metadata.deletionTimestamp) {
      const [first] = holders;
      return settings.finalize.needed && first ? slow.laneFor(key, finalizeLane(first)) : noPlugin;
    }
    if (isReleased(base)) return noPlugin;
    const pending = extensions.pendingLane(base);
    if (pending !== undefined) return pending;
    return slow.laneFor(key, this.#laneOfChoice(base, holders));
  }

  /** Namespaces take turns. */
  groupOf(key: ResourceKey): string {
    return parseKey(key).namespace;
  }

  /** Returns the lane of the plugin that would be chosen now. The same for all resources with the same preference and holders. */
  #laneOfChoice(base: Resource, holders: readonly Holder[]): string {
    const { settings, registry, attachments, isAnySuspended } = this.#options;
    // A suspension may depend on the resource.
    if (isAnySuspended()) return this.#findLane(base, holders);
    if (this.#revision !== registry.revision || this.#lanes.size >= maxCachedLanes) this.#lanes.clear();
    this.#revision = registry.revision;
    const id = `${choiceBasisOf(base, settings, attachments)}\n${holders.map(formatPlugin).join()}`;
    const known = this.#lanes.get(id);
    if (known !== undefined) return known;
    const lane = this.#findLane(base, holders);
    this.#lanes.set(id, lane);
    return lane;
  }

  #findLane(base: Resource, holders: readonly Holder[]): string {
    const { settings, registry, attachments, choose } = this.#options;
    const { chosen } = choose(base).selection;
    if (settings.handOver === 'finalize' && chosen.length > 0) {
      const former = holders.find((holder) => !chosen.some(({ plugin }) => plugin.equals(holder.plugin)));
      const attachment = attachments?.of(settings.name, base)?.key;
      if (former && findHolder(former, settings, registry, { attachment })) return finalizeLane(former);
    }
    return chosen.length > 0 ? chosen.map(reconcileLane).join() : noPlugin;
  }

  /** Reports whether several plugins are registered, so that each may need a share of the concurrency. */
  isShared(): boolean {
    const { registry, settings, attachments } = this.#options;
    if (attachments?.has(settings.name)) return true;
    const implementations = registry.implementations(settings.api);
    // The list is the same object until an implementation is added or removed.
    if (implementations !== this.#implementations) {
      this.#implementations = implementations;
      this.#isShared = new Set(implementations.map(({ plugin }) => plugin.key)).size > 1;
    }
    return this.#isShared;
  }
}
