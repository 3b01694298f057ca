import type { Manifest } from '@kplug/controller/memory';

export const apiVersion = 'myorg.org/v1alpha1';
export const kind = 'DatabaseTable';

/** Name of the plugin that tables prefer, and id of its process. */
export const calledPlugin = { name: 'Preferred', instanceId: 'preferred' };

export function tableName(index: number): string {
  return `table-${String(index).padStart(6, '0')}`;
}

/** Creates a table, as a user writes it. */
export function tableManifest(index: number, edit: number, labels: Record<string, string> = {}): Manifest {
  return {
    apiVersion,
    kind,
    metadata: { name: tableName(index), labels },
    spec: {
      serverName: 'authorization-cluster',
      preferredImplementation: 'Preferred',
      edit,
      columns: [
        { name: 'id', type: 'uint64' },
        { name: 'name', type: 'string' },
      ],
    },
  };
}
