import { limits } from '../limits/limits.ts';
import { cutText } from '../resources/cut-text.ts';
import type { Resource } from '../resources/resource.ts';

/** Annotation of a base whose new value requests a pass. */
export const reconcileAtAnnotation = 'kplug.dev/reconcile-at';
/** Annotation of a base that stops its reconciliation while its value is `true`. */
export const pausedAnnotation = 'kplug.dev/paused';

/** Returns the value of the annotation that requests a pass, as statuses repeat it; `undefined` without one. */
export function readReconcileAt({ metadata: { annotations } }: Resource): string | undefined {
  const value = annotations?.[reconcileAtAnnotation];
  return value === undefined ? undefined : cutText(value, limits.delegation.maxReconcileAtLength);
}

/** Reports whether a base is paused. */
export function isPaused({ metadata: { annotations } }: Resource): boolean {
  return annotations?.[pausedAnnotation] === 'true';
}

/** Describes a value of the annotation for pausing that is neither `true` nor `false`. Such a base isn't paused. */
export function findPausedFault({ metadata: { annotations } }: Resource): string | undefined {
  const value = annotations?.[pausedAnnotation];
  if (value === undefined || value === 'true' || value === 'false') return undefined;
  const quoted = JSON.stringify(cutText(value, 40));
  return `the annotation ${pausedAnnotation} has the value ${quoted}, which is neither "true" nor "false"; the resource is not paused`;
}

/** Describes why a resource isn't reconciled while it is paused, and how to resume it. */
export function describePause({ metadata: { deletionTimestamp } }: Resource): string {
  const effect =
    deletionTimestamp === undefined
      ? 'no plugin is called and nothing is written for it'
      : 'its deletion waits, and no plugin is called';
  return `the resource is paused by its annotation ${pausedAnnotation}: ${effect}; remove the annotation to resume`;
}
