import type { NamespaceSummary } from '@kplug/protocol/services';
import { useState } from 'preact/hooks';
import { formatCount } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Panel } from '../parts/panel.tsx';
import { formatFilter, noFilter } from '../routing/filter.ts';
import { overviewLink } from '../routing/route.ts';

/** Namespaces that are shown before more are asked for. */
const few = 8;

/** All namespaces at a glance, those with the most resources that aren't ready first. */
export function Namespaces({ namespaces }: { namespaces: readonly NamespaceSummary[] }) {
  const [isOpen, setOpen] = useState(false);
  if (namespaces.length === 0) return null;
  const sorted = namespaces.toSorted((a, b) => b.notReady - a.notReady || a.name.localeCompare(b.name));
  const visible = isOpen ? sorted : sorted.slice(0, few);
  return (
    <Panel title="Namespaces" end={formatCount(namespaces.length)}>
      <ul class="namespaces">
        {visible.map(({ name, total, notReady }) => (
          <li key={name}>
            <span class="name">
              {name ? (
                <a href={overviewLink(formatFilter({ ...noFilter, namespace: name }))} title={shown(name)}>
                  {shown(name, 80)}
                </a>
              ) : (
                'without a namespace'
              )}
            </span>
            <span class="bar small" aria-hidden="true">
              {total > notReady && <span class="fill-ready" style={{ flex: `${total - notReady} 1 0` }} />}
              {notReady > 0 && <span class="fill-failing" style={{ flex: `${notReady} 1 0` }} />}
            </span>
            <span class="share" title={`${formatCount(notReady)} of ${formatCount(total)} not ready`}>
              {notReady > 0 ? `${formatCount(notReady)} not ready` : 'all ready'}
            </span>
          </li>
        ))}
      </ul>
      {sorted.length > few && (
        <button type="button" class="button plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Show fewer' : `Show all ${formatCount(sorted.length)}`}
        </button>
      )}
    </Panel>
  );
}
