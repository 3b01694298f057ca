import type { Logger } from 'pino';
import type { AttachmentSource } from '../../attachments/attachment.ts';
import type { VersionedName } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Registry } from '../../registry/registry.ts';
import type { EventSink } from '../../resources/cluster-services.ts';
import type { Resource } from '../../resources/resource.ts';
import type { Breakers } from '../breakers/breakers.ts';
import type { DelegationCaller } from '../calls/delegation-caller.ts';
import type { Choice } from '../choices/choose.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import type { DependentFollower } from '../dependents/dependent-follower.ts';
import type { ExtensionFollower } from '../extensions/extension-follower.ts';
import type { UnrecordedHolders } from '../holders/unrecorded-holders.ts';
import type { KnownOperations } from '../operations/known-operations.ts';
import type { ProgressEvents } from '../operations/progress-events.ts';
import type { RequirementFollower } from '../requirements/requirement-follower.ts';
import type { PassResources } from './observed-writes.ts';

/** Dependencies of the passes of one delegation. */
export interface PassContext {
  settings: DelegationSettings;
  resources: PassResources;
  registry: Registry;
  caller: DelegationCaller;
  breakers: Breakers;
  /** Attachments of resources. */
  attachments: AttachmentSource | undefined;
  /** Chooses a plugin for a pass over a resource, which may be the probe of a suspended plugin. */
  choose: (base: Resource) => Choice;
  /** Called when a pass hands a resource to the chosen plugins. */
  onChosen: (base: Resource, chosen: readonly VersionedName[]) => void;
  extensions: ExtensionFollower;
  dependents: DependentFollower;
  /** Operations that plugins have in progress. */
  operations: KnownOperations;
  requirements: RequirementFollower;
  progressEvents: ProgressEvents;
  /** Plugins that hold resources. */
  holders: UnrecordedHolders;
  /** Reports whether a resource is no longer delegated, so that its status and finalizer are to be removed. */
  isReleased: (base: Resource) => boolean;
  events: EventSink;
  log: Logger;
}

/**
 * Result of a pass. Times in milliseconds.
 *
 * - `done`: the resource is gone, or needs no more passes.
 * - `paused`: the user paused the resource; next pass after a change of it.
 * - `settled`: the resource is reconciled; next pass after `after`, by default at the resync.
 * - `waiting`: a plugin, an extension or the resource has to change first; next pass after `after`, by default at the resync.
 * - `retry`: the pass failed; next pass after `after`, by default with back-off.
 * - `stale`: the resource, its extensions or the choice changed during the pass, and its results were discarded; next pass
 *   immediately.
 * - `again`: the pass changed dependents, which the plugin has yet to see; next pass immediately.
 *
 * `failure` is the reason in one word, if the pass failed without an exception.
 */
export type PassResult =
  | { next: 'done' }
  | { next: 'paused' }
  | { next: 'settled'; after?: number }
  | { next: 'waiting'; after?: number; failure?: string }
  | { next: 'retry'; after?: number; failure?: string }
  | { next: 'stale' }
  | { next: 'again' };

/** Outcome of a pass, and the choice that it made. */
export interface PassOutcome {
  result: PassResult;
  chosen: readonly Implementation[];
  /** Revision of the registry at the choice. */
  revision: number;
  /** Message of the status while no plugin is chosen. */
  waitingMessage?: string;
  /** Error that ended the pass, usually a failed write. */
  error?: unknown;
}
