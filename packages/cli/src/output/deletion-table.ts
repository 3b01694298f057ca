import { parseKey } from '@kplug/controller';
import type { PendingDeletion } from '@kplug/controller/directory';
import { plain, type TableContent } from './table.ts';

/** Returns a table of resources that are to be deleted, with the files that defined them. */
export function deletionTable(deletions: readonly PendingDeletion[]): TableContent {
  const rows = deletions.map(({ key, source }) => {
    const { kind, namespace, name } = parseKey(key);
    return [namespace, kind, name, source].map(plain);
  });
  return { header: ['NAMESPACE', 'KIND', 'NAME', 'FILE'], rows };
}
