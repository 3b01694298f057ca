import { keyOf, type Resource } from '../../resources/resource.ts';
import type { PassContext, PassResult } from './pass-context.ts';

/** Removes the controller's status and finalizer from a resource. What plugins created for it is retained. */
export async function releaseBase({ settings, resources }: PassContext, base: Resource): Promise<PassResult> {
  const { fieldManager, finalizer } = settings;
  const options = { uid: base.metadata.uid, fieldManager };
  await resources.applyStatus(keyOf(base), {}, options);
  await resources.removeFinalizer(keyOf(base), finalizer, options);
  return { next: 'done' };
}
