import type { Pass, RecordedEvent } from '@kplug/protocol/services';
import { now } from '../data/connection.ts';
import { shown } from '../format/shown.ts';
import { formatAge, formatExact } from '../format/time.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { mergeTimeline, type TimelineEntry } from './timeline.ts';

const icons: Readonly<Record<TimelineEntry['kind'], IconName>> = {
  event: 'info',
  warning: 'warning',
  'hand-over': 'chevron',
};

/** Events and hand-overs of a resource by time. */
export function Timeline({ events, passes }: { events: readonly RecordedEvent[]; passes: readonly Pass[] }) {
  const entries = mergeTimeline(events, passes);
  return (
    <Panel title="Events and hand-overs" end={entries.length > 0 ? 'newest first' : ''}>
      {entries.length === 0 && <p class="muted">No Event since the operator started.</p>}
      <ol class="timeline">
        {entries.map(({ id, at, kind, reason, message, count }) => (
          <li key={id}>
            <span class={kind === 'warning' ? 'state-waiting' : 'muted'}>
              <Icon name={icons[kind]} />
              <span class="hidden">{kind}</span>
            </span>
            <p class="wrap">
              <strong>{shown(reason, 80)}</strong> {shown(message)}{' '}
              {count > 1 && <span class="muted">{count} times</span>}
            </p>
            <span class="muted number" title={formatExact(at)}>
              {formatAge(at, now.value)}
            </span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
