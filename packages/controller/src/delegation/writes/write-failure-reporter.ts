import type { Logger } from 'pino';
import type { ResourceKey } from '../../resources/resource.ts';
import type { RecentEvents } from '../../telemetry/events.ts';
import type { DelegationObserver } from '../../telemetry/observer.ts';
import { describeWriteFailure } from './write-failure.ts';
import type { WriteFailures } from './write-failures.ts';

/** Dependencies of a write failure reporter. */
export interface WriteFailureReporterOptions {
  /** Name of the delegation. */
  delegation: string;
  failures: WriteFailures;
  events: RecentEvents;
  observer: DelegationObserver;
  log: Logger;
}

/** Reports passes that ended with an exception: an Event for each resource, one log line for each cause. */
export class WriteFailureReporter {
  readonly #options: WriteFailureReporterOptions;

  constructor(options: WriteFailureReporterOptions) {
    this.#options = options;
  }

  /** Records and reports the error that ended a pass over a resource. */
  report(key: ResourceKey, error: unknown): void {
    const { delegation, failures, events, observer, log } = this.#options;
    const failure = describeWriteFailure(key, error);
    const { code, reason, message } = failure;
    observer.writeFailed(delegation, reason);
    events.recordUnlogged(key, { type: 'Warning', reason: code, message });
    const similar = failures.add(key, failure);
    if (similar === undefined) return;
    const count = similar > 0 ? ` (${similar} similar failures since the last message)` : '';
    log.error({ err: error, resource: key, reason }, `pass failed: ${message}; retrying${count}`);
  }
}
