import type { Logger } from 'pino';
import type { PluginCaller } from '../clients/caller.ts';
import type { Registry } from '../registry/registry.ts';
import type { EventSink } from '../resources/cluster-services.ts';
import type { Resources } from '../resources/port.ts';
import type { Resource } from '../resources/resource.ts';
import type { DelegationSettings } from './declaration.ts';
import type { DependentFollower } from './dependents/dependent-follower.ts';
import type { ExtensionFollower } from './extension-follower.ts';

/** What a pass works with. */
export interface PassContext {
  settings: DelegationSettings;
  resources: Resources;
  registry: Registry;
  caller: PluginCaller;
  extensions: ExtensionFollower;
  dependents: DependentFollower;
  /** Whether a resource is delegated no more, and nothing of us is to be left on it. */
  isReleased: (base: Resource) => boolean;
  events: EventSink;
  log: Logger;
}

/**
 * What follows from a pass.
 *
 * - `done`: nothing; the resource is gone or nothing is left to do.
 * - `settled`: it is as it should be; look again after `after` milliseconds, or at the resync.
 * - `waiting`: something has to change first: a plugin, an extension, the resource.
 * - `retry`: try again after `after` milliseconds, or with back-off.
 * - `stale`: the world changed meanwhile; what was found out is thrown away, try again at once.
 */
export interface PassResult {
  next: 'done' | 'settled' | 'waiting' | 'retry' | 'stale';
  after?: number;
}
