import type { ResourceKey } from '../resource.ts';

/** Event about a resource. */
export interface ResourceEvent {
  type: 'Normal' | 'Warning';
  /** Reason, in one PascalCase word. */
  reason: string;
  message: string;
}

/** Records Events about resources. */
export interface EventSink {
  /** Records an Event. Neither waits nor fails: Events are hints, and may be aggregated or dropped. */
  record(regarding: ResourceKey, event: ResourceEvent): void;
}
