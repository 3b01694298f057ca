// diagnosis/: why a resource is in its state: the tree of what it depends on, the root cause, what to do next, and what may be out of date.

import type { StateName } from '../delegation/states/base-state.ts';
import type { ResourceKey } from '../resources/resource.ts';

/** Relation of a node to its parent. */
export type Relation = 'base' | 'plugin' | 'extension' | 'dependent' | 'required';

/** Status of a condition. */
export type Readiness = 'True' | 'False' | 'Unknown';

/** A resource or plugin in a trace. */
export interface TraceNode {
  relation: Relation;
  /** Empty for a plugin, and for required resources that are missing. */
  key: ResourceKey;
  /** `Kind namespace/name` of a resource; name and version of a plugin. */
  name: string;
  ready: Readiness;
  reason: string;
  /** Explanation. May be empty for a node that is ready. */
  message: string;
  /** Time of the last change of the reason, in milliseconds since the epoch; `undefined` if it isn't known. */
  since: number | undefined;
  /** State of a resource that is delegated itself; `undefined` for others. */
  state: StateName | undefined;
  children: TraceNode[];
}
