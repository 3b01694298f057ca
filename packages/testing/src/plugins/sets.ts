import { definePlugin } from '@kplug/sdk';

interface Table {
  spec: { replicas: number };
}

// A plugin for the tests that rolls out a StatefulSet, and then a Service, for each table.
await definePlugin<Table>({
  name: 'Sets',
  version: '1.0.0',
  api: 'Table@1.0.0',
  reconcile: ({ base: { metadata, spec }, dependents }) => ({
    status: { knownDependents: dependents.all().length },
    dependents: [
      { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: metadata.name }, spec: { ...spec } },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: metadata.name, labels: { app: metadata.name } },
        spec: {},
      },
    ],
  }),
}).serve();
