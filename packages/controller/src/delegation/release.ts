import { keyOf, type Resource } from '../resources/resource.ts';
import type { PassContext, PassResult } from './pass-context.ts';

/** Takes back what the controller says of a resource and lets it go. What plugins made for it stays as it is. */
export async function releaseBase({ settings, resources }: PassContext, base: Resource): Promise<PassResult> {
  const { fieldManager, finalizer } = settings;
  const options = { uid: base.metadata.uid, fieldManager };
  await resources.applyStatus(keyOf(base), {}, options);
  await resources.removeFinalizer(keyOf(base), finalizer, options);
  return { next: 'done' };
}
