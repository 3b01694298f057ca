import { useEffect, useRef, useState } from 'preact/hooks';
import { isStale } from '../data/connection.ts';
import { summary } from '../data/summary.ts';
import { countOf } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Icon } from '../parts/icon.tsx';
import { isNarrow } from '../parts/media.ts';
import { Empty, Failure, Loading } from '../parts/notices.tsx';
import { useVirtual } from '../parts/use-virtual.ts';
import { activityKinds, describeActivity } from './describe-activity.ts';
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
  const [delegation, setDelegation] = useState('');
  const [kind, setKind] = useState('');
  const [text, setText] = useState('');
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
          <Filters {...{ delegation, setDelegation, kind, setKind, text, setText }} />
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

interface FiltersProps {
  delegation: string;
  setDelegation: (value: string) => void;
  kind: string;
  setKind: (value: string) => void;
  text: string;
  setText: (value: string) => void;
}

function Filters({ delegation, setDelegation, kind, setKind, text, setText }: FiltersProps) {
  return (
    <>
      <div class="search">
        <Icon name="search" />
        <input
          id="search"
          class="field"
          type="search"
          placeholder="Filter  ( / )"
          aria-label="Filter the activities by text"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </div>
      <select
        class="field"
        aria-label="Filter by kind"
        value={kind}
        onChange={({ currentTarget }) => setKind(currentTarget.value)}
      >
        <option value="">Everything</option>
        {activityKinds.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      <select
        class="field"
        aria-label="Filter by delegation"
        value={delegation}
        onChange={({ currentTarget }) => setDelegation(currentTarget.value)}
      >
        <option value="">All delegations</option>
        {summary.value?.delegations.map(({ name }) => (
          <option key={name} value={name}>
            {shown(name, 80)}
          </option>
        ))}
      </select>
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
