import type { ReconcileResult } from '@kplug/sdk';
import { type Column, databaseTable, type TableExtensions, type TableInput } from '../table.ts';

/** Table of a test. */
export interface TestTable<Kind extends keyof TableExtensions> {
  name?: string;
  namespace?: string;
  serverName?: string;
  /** Types, by the name of the column, or columns. */
  columns: Record<string, string> | Column[];
  /** Specs of the existing extensions. */
  extensions?: TableExtensions[Kind]['spec'][];
  /** Result of the last pass. */
  last?: ReconcileResult;
}

/** Creates the input of a call. */
export function inputOf<Kind extends keyof TableExtensions>(kind: Kind, table: TestTable<Kind>): TableInput<Kind> {
  const { name = 'users', namespace = 'default', serverName = 'test', columns, extensions = [], last } = table;
  const metadata = { name, namespace, uid: name, generation: 1 };
  const apiVersion = 'myorg.org/v1alpha1';
  const base = databaseTable.parse({
    metadata,
    spec: {
      serverName,
      columns: Array.isArray(columns)
        ? columns
        : Object.entries(columns).map(([column, type]) => ({ name: column, type })),
    },
    status: last?.status,
  });
  const received = extensions.map((spec, index) => ({
    ...({ spec } as TableExtensions[Kind]),
    apiVersion,
    kind,
    metadata: { ...metadata, name: `${name}-${index}` },
  }));
  return {
    base: { ...base, apiVersion, kind: 'DatabaseTable', metadata },
    // A plugin here uses only one kind.
    extensions: { get: () => received[0], all: () => received } as unknown as TableInput<Kind>['extensions'],
    signal: new AbortController().signal,
  };
}
