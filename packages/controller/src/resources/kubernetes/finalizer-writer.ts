import type { WriteOptions, WriteResult } from '../port.ts';
import type { Resource } from '../resource.ts';
import { writeInVersion } from './write-in-version.ts';
import type { WriteTarget } from './write-target.ts';

/** Adds a finalizer, unless the resource is being deleted. */
export function addFinalizer(target: WriteTarget, finalizer: string, options: WriteOptions): Promise<WriteResult> {
  return changeFinalizers(target, options, ({ metadata: { finalizers = [], deletionTimestamp } }) => {
    return deletionTimestamp !== undefined || finalizers.includes(finalizer) ? undefined : [...finalizers, finalizer];
  });
}

/** Removes a finalizer. */
export function removeFinalizer(target: WriteTarget, finalizer: string, options: WriteOptions): Promise<WriteResult> {
  return changeFinalizers(target, options, ({ metadata: { finalizers = [] } }) => {
    return finalizers.includes(finalizer) ? finalizers.filter((other) => other !== finalizer) : undefined;
  });
}

/** Changes the finalizers in the resource version that was read, as the list is one value with several writers. */
async function changeFinalizers(
  target: WriteTarget,
  { fieldManager, signal }: WriteOptions,
  change: (resource: Resource) => string[] | undefined,
): Promise<WriteResult> {
  const answer = await writeInVersion(target, (resource) => {
    const finalizers = change(resource);
    const { resourceVersion } = resource.metadata;
    return (
      finalizers && {
        what: 'the finalizers',
        contentType: 'application/merge-patch+json',
        query: { fieldManager },
        body: { metadata: { resourceVersion, finalizers } },
        signal,
      }
    );
  });
  return typeof answer === 'string' ? answer : 'written';
}
