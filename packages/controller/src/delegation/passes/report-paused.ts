import { type ConditionContent, findCondition } from '../../resources/conditions.ts';
import { keyOf, type Resource } from '../../resources/resource.ts';
import { describePause } from '../control-annotations.ts';
import type { PassContext, PassResult } from './pass-context.ts';
import { composeStatus } from './status.ts';

/** Reports that a resource is paused. Writes nothing else: what its earlier passes reported stays. */
export async function reportPaused({ settings, resources, events }: PassContext, base: Resource): Promise<PassResult> {
  const { uid, deletionTimestamp, finalizers } = base.metadata;
  const isFinalized = deletionTimestamp !== undefined && !finalizers?.includes(settings.finalizer);
  if (isFinalized) return { next: 'done' };
  const content = { reason: 'Paused', message: describePause(base) };
  const conditions: ConditionContent[] = [{ type: 'Paused', status: 'True', ...content }];
  if (deletionTimestamp !== undefined) conditions.push({ type: 'Finalized', status: 'False', ...content });
  const status = composeStatus(base, { conditions, statements: undefined, mode: settings.rules.mode, isPaused: true });
  const former = findCondition(base.status, 'Paused');
  await resources.applyStatus(keyOf(base), status, { uid, fieldManager: settings.fieldManager });
  if (former?.status !== 'True' || former.message !== content.message) {
    events.record(keyOf(base), { type: 'Normal', ...content });
  }
  return { next: 'paused' };
}
