import { limits } from '../../limits/limits.ts';
import { isJsonObject, jsonObjectsIn } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';
import { collectionPath } from './api-path.ts';
import type { ServedKind } from './discovery.ts';
import type { Transport } from './transport.ts';

const { pageSize } = limits.kubernetes;

/** Media types of a list as a table, and as it is for API servers that print none. */
const tableType = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** Column of a table that the API server prints. */
export interface PrintedColumn {
  name: string;
  /** True for a column that only wide tables have. */
  isWide: boolean;
}

/** Table of the resources of a kind, as the API server prints it for `kubectl get`. */
export interface PrintedTable {
  columns: readonly PrintedColumn[];
  /** Cells by the UID of the resource, in the order of the columns. */
  cells: ReadonlyMap<string, readonly string[]>;
}

/** Reads the table of the resources of a kind. Returns `undefined` if the API server prints none. Rejects with an `ApiError`. */
export async function readPrintedTable(
  transport: Transport,
  served: ServedKind,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<PrintedTable | undefined> {
  let columns: PrintedColumn[] | undefined;
  const cells = new Map<string, readonly string[]>();
  let next = '';
  do {
    const page = { limit: String(pageSize), includeObject: 'Metadata', ...(next && { continue: next }) };
    const path = `${collectionPath(served, namespace)}?${new URLSearchParams(page)}`;
    const request = { method: 'GET', path, verb: 'list', resource: served.plural, accept: tableType, signal } as const;
    const { kind, columnDefinitions, rows, metadata } = await transport.request(request);
    if (kind !== 'Table') return undefined;
    columns ??= jsonObjectsIn(columnDefinitions).map(readColumn);
    for (const row of jsonObjectsIn(rows)) addRow(cells, row);
    next = isJsonObject(metadata) && typeof metadata.continue === 'string' ? metadata.continue : '';
  } while (next);
  return { columns, cells };
}

function readColumn({ name, priority }: JsonObject): PrintedColumn {
  return { name: String(name), isWide: typeof priority === 'number' && priority > 0 };
}

function addRow(cells: Map<string, readonly string[]>, { object, cells: printed }: JsonObject): void {
  const { uid } = isJsonObject(object) && isJsonObject(object.metadata) ? object.metadata : {};
  if (typeof uid === 'string' && Array.isArray(printed)) cells.set(uid, printed.map(textOf));
}

function textOf(cell: JsonValue): string {
  return cell === null ? '<none>' : String(cell);
}
