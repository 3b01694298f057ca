import type { JsonObject, Resource, ResourceKey } from '../resources/resource.ts';

/** One base resource to be handed to a plugin, in no dialect yet. */
export interface PluginCall {
  base: Resource;
  /** The extensions that exist, by key. */
  extensions: ReadonlyMap<ResourceKey, Resource>;
  /** What is kept for the base, as it is now, by key. */
  dependents: ReadonlyMap<ResourceKey, Resource>;
  assignment: Assignment;
  /** How many times in a row this resource was tried without success, plus one. */
  attempt: number;
}

/** As whom a plugin is called and why it was chosen. */
export interface Assignment {
  delegation: string;
  api: string;
  apiVersion: string;
  reason: string;
  message: string;
}

/** Why a plugin is asked to finalize. */
export type FinalizeCause = 'deleted' | 'handedOver';

/** How a call ended. */
export type Outcome = 'success' | 'retry' | 'terminal';

/** What a plugin says that a status should be. */
export interface StatusChange {
  fields: JsonObject;
  /** In place of what it said before, or merged into that as a JSON merge patch is. */
  way: 'replace' | 'merge';
}

/** What a plugin answered to a call, checked. Times are in milliseconds. */
export interface PluginAnswer {
  outcome: Outcome;
  retryAfter: number | undefined;
  requeueAfter: number | undefined;
  messages: readonly PluginMessage[];
  /** `undefined`: left as it is. */
  baseStatus: StatusChange | undefined;
  extensionStatuses: ReadonlyMap<ResourceKey, StatusChange>;
  /** What is to be kept for the base, yet to be checked. `undefined`: left as it is. */
  dependents?: readonly JsonObject[];
  /** `undefined`: left as they are. */
  conditions: readonly PluginCondition[] | undefined;
  events: readonly PluginEvent[];
}

export interface PluginMessage {
  severity: 'info' | 'warning' | 'error';
  reason: string;
  text: string;
  /** `undefined` for the base. */
  target: ResourceKey | undefined;
}

export interface PluginCondition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
}

export interface PluginEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** `undefined` for the base. */
  target: ResourceKey | undefined;
}
