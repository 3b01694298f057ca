import type { WatchSummaryResponse } from '@kplug/protocol/services';
import { signal } from '@preact/signals';

/** Namespace of which the summary is wanted; empty for all. */
export const summaryNamespace = signal('');

/** Latest summary; undefined before the first one. */
export const summary = signal<WatchSummaryResponse>();
