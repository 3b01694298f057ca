import type { WatchSummaryResponse } from '@kplug/protocol/services';
import { computed, signal } from '@preact/signals';
import { filter, place } from '../routing/location.ts';

/** Namespace of which the summary is wanted; empty for all. */
export const summaryNamespace = computed(() => (place.value.route.screen === 'overview' ? filter.value.namespace : ''));

/** Version of the operator that served the page. */
export const firstVersion = signal('');

/** Latest summary; undefined before the first one. */
export const summary = signal<WatchSummaryResponse>();
