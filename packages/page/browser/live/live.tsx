import { useEffect, useRef } from 'preact/hooks';
import { isStale } from '../data/connection.ts';
import { summary } from '../data/summary.ts';
import { countOf } from '../format/number.ts';
import { Choice } from '../parts/choice.tsx';
import { Icon } from '../parts/icon.tsx';
import { isNarrow } from '../parts/media.ts';
import { Empty, Failure, Loading } from '../parts/notices.tsx';
import { TextSearch } from '../parts/text-search.tsx';
import { useVirtual } from '../parts/use-virtual.ts';
import { activityKinds, readKind } from '../routing/live-filter.ts';
import { liveFilter, setLiveFilter } from '../routing/location.ts';
import { describeActivity } from './describe-activity.ts';
import type { FeedRow } from './feed.ts';
import { LiveRow } from './live-row.tsx';
import { useFeed } from './use-feed.ts';
import { useHold } from './use-hold.ts';

/** What the operator does now, newest first. */
export function Live() {
  useEffect(() => {
    document.title = 'Live – Kplug';
    window.scrollTo(0, 0);
  }, []);
  const { kind, delegation, text } = liveFilter.value;
  const { feed, isSynced, problem, rerender } = useFeed(delegation, '');
  const hold = useHold(feed, rerender);
  const rows = feed.rows.filter((row) => matches(row, kind, text));
  return (
    <div class={isStale.value ? 'stack stale' : 'stack'}>
      <h1>Live</h1>
      <section class="panel" aria-label="Activities">
        <div class="filters">
          <button type="button" class="button" aria-pressed={hold.isPaused} onClick={hold.toggle}>
            <Icon name={hold.isPaused ? 'play' : 'pause'} /> {hold.isPaused ? 'Continue' : 'Pause'}
          </button>
          <Filters />
          <span class="muted number">
            {feed.waiting > 0 ? `${countOf(feed.waiting, 'new one', 'new ones')} waiting` : ''}
          </span>
        </div>
        {problem && !isStale.value && <Failure what="activities" problem={problem} />}
        {!isSynced && !problem && <Loading what="the activities" lines={5} />}
        {isSynced && rows.length === 0 && <Nothing isFiltered={feed.rows.length > 0} />}
        {rows.length > 0 && <Rows rows={rows} />}
      </section>
      {hold.isScrolled && feed.waiting > 0 && (
        <button type="button" class="button to-top" onClick={() => window.scrollTo(0, 0)}>
          {countOf(feed.waiting, 'new one', 'new ones')}: go to the top
        </button>
      )}
    </div>
  );
}

function Filters() {
  const { kind, delegation, text } = liveFilter.value;
  return (
    <>
      <TextSearch
        label="Filter the activities by text"
        placeholder="Filter"
        text={text}
        onText={(typed) => setLiveFilter({ text: typed }, true)}
      />
      <Choice
        label="Filter by kind"
        all="Everything"
        value={kind}
        options={activityKinds}
        onChoice={(chosen) => setLiveFilter({ kind: readKind(chosen) })}
      />
      <Choice
        label="Filter by delegation"
        all="All delegations"
        value={delegation}
        options={summary.value?.delegations.map(({ name }) => name) ?? []}
        onChoice={(chosen) => setLiveFilter({ delegation: chosen })}
      />
    </>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Empty title="Nothing matches">Remove a part of the filter to see more.</Empty>;
  return (
    <Empty title="Nothing has happened yet">
      Change a resource, or start a plugin: passes, Events and changes of instances appear here as they happen.
    </Empty>
  );
}

function Rows({ rows }: { rows: readonly FeedRow[] }) {
  const list = useRef<HTMLOListElement>(null);
  const rowHeight = isNarrow.value ? 62 : 34;
  const { items, height } = useVirtual(list, rows.length, rowHeight);
  return (
    <ol class="feed" ref={list} style={{ height: `${height}px` }}>
      {items.map(({ index, start }) => {
        const row = rows[index];
        return (
          row && (
            <LiveRow key={row.id} row={row} top={start} height={rowHeight} position={index + 1} size={rows.length} />
          )
        );
      })}
    </ol>
  );
}

function matches(row: FeedRow, kind: string, text: string): boolean {
  if (row.kind === 'gap') return true;
  const described = describeActivity(row.activity);
  if (kind && described.kind !== kind) return false;
  const all = `${described.word} ${described.subject} ${described.text}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
