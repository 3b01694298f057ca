import { RefusalReason } from '@kplug/protocol/services';
import { clients } from '../data/clients.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { countOf } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Age } from '../parts/age.tsx';
import { Icon } from '../parts/icon.tsx';
import { Failure } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';

/** Interval at which refusals are loaded again, in milliseconds. */
const interval = 5_000;

/** Registrations that were refused, of one plugin or, for an empty name, of all. Nothing if there are none. */
export function Refusals({ plugin }: { plugin: string }) {
  const { value, problem, retry } = useLoaded(
    'refusals',
    (signal) => clients.refusal.listRefusals({}, { signal }),
    interval,
  );
  if (problem && !value) return <Failure what="list of refusals" problem={problem} retry={retry} />;
  const wanted = plugin.toLowerCase();
  const refusals = (value?.refusals ?? []).filter((one) => !wanted || one.plugin.toLowerCase() === wanted);
  if (refusals.length === 0) return null;
  return (
    <Panel title="Refused" end="latest first">
      <ul class="items">
        {refusals.map(({ plugin: name, version, address, peer, reason, message, lastAt, count, instanceId }) => (
          <li key={`${name} ${instanceId} ${address} ${peer} ${reason} ${message}`}>
            <span class="state-failing">
              <Icon name="failing" />
            </span>
            <div class="wrap">
              <p>
                <strong>{shown(`${name || 'a plugin without a name'} ${version}`, 120)}</strong>{' '}
                <span class="muted">
                  from {shown(peer, 80)}, at {shown(address, 80)}, {reasonWord(reason)}
                </span>
              </p>
              <p>{shown(message)}</p>
            </div>
            <span class="muted number">
              <Age time={lastAt} />
              {count > 1 ? `, ${countOf(count, 'time')}` : ''}
            </span>
          </li>
        ))}
      </ul>
      {value && value.dropped > 0 && <p class="muted">{countOf(value.dropped, 'earlier refusal')} left out</p>}
    </Panel>
  );
}

function reasonWord(reason: number): string {
  const [name = 'unknown reason'] = Object.entries(RefusalReason).find(([, value]) => value === reason) ?? [];
  return name.toLowerCase().replaceAll('_', ' ');
}
