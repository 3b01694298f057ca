import type { DelegatedResource } from '@kplug/protocol/services';
import type { RefObject } from 'preact';
import { useEffect, useMemo, useReducer, useRef } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { epoch } from '../data/connection.ts';
import { RowWindows } from '../data/row-windows.ts';
import { summary } from '../data/summary.ts';
import { isVisible } from '../data/visibility.ts';
import { countOf } from '../format/number.ts';
import { stateOf } from '../format/state.ts';
import { announce } from '../parts/announce.tsx';
import { isNarrow } from '../parts/media.ts';
import { Empty, Failure, Loading } from '../parts/notices.tsx';
import { useScrollPosition } from '../parts/use-scroll-position.ts';
import { useVirtual } from '../parts/use-virtual.ts';
import { latestArrival } from '../routing/arrival.ts';
import { type Filter, formatFilter, isNoFilter } from '../routing/filter.ts';
import { filter } from '../routing/location.ts';
import { FilterBar } from './filter-bar.tsx';
import { ResourceRow } from './resource-row.tsx';
import { useRowKeys } from './row-keys.ts';

const columns = ['State', 'Kind', 'Name', 'Plugin', 'Reason', 'Message', 'Since'];

/** All resources that match the filter, of which only those in sight are loaded. */
export function ResourceTable() {
  const { rows, version } = useRows(filter.value);
  const { total, problem } = rows;
  const panel = useRef<HTMLElement>(null);
  useScrollPosition(total !== undefined);
  useShowOnFilter(panel);
  useEffect(() => {
    if (total !== undefined) announce(`${countOf(total, 'resource')} match`);
  }, [total]);
  return (
    <section class="panel" aria-label="Resources" ref={panel}>
      <header>
        <h2>Resources</h2>
        <span class="muted number">
          {total === undefined
            ? ''
            : countOf(
                total,
                isNoFilter(filter.value) ? 'resource' : 'match',
                isNoFilter(filter.value) ? 'resources' : 'matches',
              )}
        </span>
      </header>
      <FilterBar />
      {problem && (
        <Failure
          what={total === undefined ? 'resources' : 'newer resources'}
          problem={problem}
          retry={() => rows.refresh()}
        />
      )}
      {total === undefined && !problem && <Loading what="the resources" lines={6} />}
      {total === 0 && <None />}
      {total !== undefined && total > 0 && <Rows rows={rows} version={version} total={total} />}
    </section>
  );
}

function None() {
  if (isNoFilter(filter.value))
    return (
      <Empty title="No resource yet" command="kubectl apply -f RESOURCE.yaml">
        Create a resource of a delegated kind; it appears here at once.
      </Empty>
    );
  return <Empty title="No resource matches">Remove a part of the filter to see more.</Empty>;
}

interface RowsProps {
  rows: RowWindows<DelegatedResource>;
  /** Changes with what `rows` has, as components with equal properties aren't rendered again. */
  version: number;
  total: number;
}

function Rows({ rows, total }: RowsProps) {
  const list = useRef<HTMLDivElement>(null);
  const rowHeight = isNarrow.value ? 58 : 36;
  const { items, height, scrollTo } = useVirtual(list, total, rowHeight);
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => rows.want(first, last), [rows, first, last]);
  const keys = useRowKeys({ list, total, first, last, scrollTo });
  return (
    <div role="table" aria-label="Resources" aria-rowcount={total + 1} aria-colcount={columns.length}>
      <div class="table-head" role="rowgroup">
        <div class="row head" role="row" aria-rowindex={1}>
          {columns.map((column) => (
            <span key={column} role="columnheader" class={column.toLowerCase()}>
              {column}
            </span>
          ))}
        </div>
      </div>
      <div class="rows" role="rowgroup" ref={list} style={{ height: `${height}px` }} onKeyDown={keys.onKeyDown}>
        {items.map(({ index, start }) => (
          <ResourceRow
            key={index}
            index={index}
            top={start}
            height={rowHeight}
            resource={rows.row(index)}
            tabIndex={index === keys.active ? 0 : -1}
          />
        ))}
      </div>
    </div>
  );
}

/** Rows of a filter: new ones for another filter, and loaded again after each summary. */
function useRows(wanted: Filter): { rows: RowWindows<DelegatedResource>; version: number } {
  const [version, rerender] = useReducer((renders: number) => renders + 1, 0);
  const query = formatFilter(wanted);
  const rows = useMemo(() => {
    const request = { ...wanted, states: wanted.states.map(stateOf) };
    return new RowWindows<DelegatedResource>(
      async (offset, limit, signal) => {
        const { resources, total } = await clients.delegation.searchResources(
          { ...request, offset, limit },
          { signal },
        );
        return { rows: resources, total };
      },
      () => rerender(undefined),
    );
  }, [query]);
  useEffect(() => {
    rows.want(0, 0);
    return () => rows.close();
  }, [rows]);
  useEffect(() => {
    if (isVisible.value) rows.refresh();
  }, [rows, summary.value, epoch.value, isVisible.value]);
  return { rows, version };
}

/** Scrolls to the table when a link chose a part of the resources, but not while the filter of the table itself is used. */
function useShowOnFilter(panel: RefObject<HTMLElement | null>): void {
  const { states, delegation, plugin, cause } = filter.value;
  const chosen = [...states, delegation, plugin, cause].filter(Boolean).join(' ');
  useEffect(() => {
    const isUsed = panel.current?.contains(document.activeElement);
    if (chosen && !isUsed && !latestArrival().isReturn) panel.current?.scrollIntoView();
  }, [chosen]);
}
