import { keyOf, type Resource, type ResourceKey } from '@kplug/controller';
import { isPaused, type PrintedTable } from '@kplug/controller/tools';
import type { LiveState } from '../input/read-live-states.ts';
import { ageOf } from './age.ts';
import { compactStatus } from './compact.ts';
import { type DelegatedStatus, isOutdated, readDelegatedStatus } from './delegated-status.ts';
import { colorStatus, plain, type TableContent } from './table.ts';
import type { Colors } from './terminal.ts';

/** Options of a resource table. */
export interface ResourceTableOptions {
  wide: boolean;
  /** True to show the namespaces. */
  allNamespaces: boolean;
  /** UIDs of resources whose deletion is held. */
  held: ReadonlySet<string>;
  colors: Colors;
  /** Current time, in milliseconds since the epoch. */
  now: number;
  /** States of resources that aren't ready, as the operator has them in memory. They precede the stored ones. */
  live?: ReadonlyMap<ResourceKey, LiveState>;
  /** Columns of a kind that isn't delegated, as the API server prints them. */
  printed?: PrintedTable | undefined;
}

interface Row {
  resource: Resource;
  delegated: DelegatedStatus | undefined;
}

interface Column {
  name: string;
  cell: (row: Row) => string;
}

/** Returns a table of resources of one kind: with their selection if any is delegated, else with their status. */
export function resourceTable(resources: readonly Resource[], options: ResourceTableOptions): TableContent {
  const rows = resources.map((resource) => ({ resource, delegated: statusOf(resource, options) }));
  const isDelegated = rows.some(({ delegated }) => delegated);
  const columns = [
    ...(options.wide || options.allNamespaces ? [namespace] : []),
    nameColumn(options),
    ...(isDelegated ? delegatedColumns(options) : undelegatedColumns(options)),
  ];
  return {
    header: columns.map((column) => column.name),
    rows: rows.map((row) => columns.map(({ cell }) => cell(row))),
  };
}

function statusOf(resource: Resource, { live }: ResourceTableOptions): DelegatedStatus | undefined {
  const stored = readDelegatedStatus(resource);
  const state = live?.get(keyOf(resource));
  if (!state || !isOutdated(resource, state)) return stored;
  const unknown = { implementation: '', version: '', observedGeneration: 0 };
  return { ...unknown, ...stored, ready: 'False', ...state };
}

const namespace: Column = { name: 'NAMESPACE', cell: ({ resource }) => plain(resource.metadata.namespace ?? '') };

function nameColumn({ held }: ResourceTableOptions): Column {
  return {
    name: 'NAME',
    cell: ({ resource }) => {
      const { metadata } = resource;
      const name = plain(metadata.name);
      const marks = [
        ...(metadata.deletionTimestamp ? ['deleting'] : held.has(metadata.uid) ? ['deletion held'] : []),
        ...(isPaused(resource) ? ['paused'] : []),
      ];
      return marks.length > 0 ? `${name} (${marks.join(', ')})` : name;
    },
  };
}

function delegatedColumns({ wide, colors, now }: ResourceTableOptions): Column[] {
  const of = (read: (status: DelegatedStatus) => string) => (row: Row) => (row.delegated ? read(row.delegated) : '');
  const ready = { name: 'READY', cell: of((status) => colorStatus(status.ready, colors)) };
  const implementation = { name: 'IMPLEMENTATION', cell: of((status) => plain(status.implementation)) };
  const reason = { name: 'REASON', cell: of(formatReason) };
  const generation = { name: 'GENERATION', cell: ({ resource }: Row) => String(resource.metadata.generation) };
  if (!wide) return [ready, implementation, reason, generation, age(now)];
  return [
    ready,
    implementation,
    { name: 'VERSION', cell: of((status) => plain(status.version)) },
    reason,
    generation,
    { name: 'OBSERVED', cell: of((status) => String(status.observedGeneration)) },
    age(now),
    { name: 'MESSAGE', cell: of((status) => plain(status.message)) },
  ];
}

function formatReason({ reason, percentage }: DelegatedStatus): string {
  return reason === 'InProgress' && percentage !== undefined ? `${plain(reason)} ${percentage}%` : plain(reason);
}

function undelegatedColumns(options: ResourceTableOptions): Column[] {
  const { printed, wide } = options;
  if (!printed) return plainColumns(options);
  // The first column is the name.
  return printed.columns.flatMap(({ name, isWide }, index) => {
    if (index === 0 || (isWide && !wide)) return [];
    const cell = ({ resource }: Row) => plain(printed.cells.get(resource.metadata.uid)?.[index] ?? '');
    return [{ name: name.toUpperCase(), cell }];
  });
}

function plainColumns({ wide, now }: ResourceTableOptions): Column[] {
  if (!wide) return [age(now)];
  return [age(now), { name: 'STATUS', cell: ({ resource }) => compactStatus(resource.status) }];
}

function age(now: number): Column {
  return { name: 'AGE', cell: ({ resource }) => ageOf(Date.parse(resource.metadata.creationTimestamp), now) };
}
