import { type HostedPlugin, HostedState, printableLines } from '@kplug/protocol/services';
import { clients } from '../data/clients.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { countOf } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Age } from '../parts/age.tsx';
import { Icon, type IconName } from '../parts/icon.tsx';
import { Failure } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';

/** Interval at which the folder is looked at again, in milliseconds. */
const interval = 5_000;

const states: Readonly<Record<HostedState, readonly [string, IconName]>> = {
  [HostedState.UNSPECIFIED]: ['unknown', 'unknown'],
  [HostedState.STARTING]: ['starting', 'waiting'],
  [HostedState.LIVE]: ['live', 'live'],
  [HostedState.DRAINING]: ['draining', 'draining'],
  [HostedState.BACK_OFF]: ['waits for a restart', 'waiting'],
  [HostedState.FAILING]: ['failing', 'failing'],
  [HostedState.ENDED]: ['ended', 'gone'],
};

/** Plugins that the operator runs from a folder: one or, for an empty name, all. Nothing if there are none. */
export function Hosted({ plugin }: { plugin: string }) {
  const { value, problem, retry } = useLoaded(
    'hosted',
    (signal) => clients.hosting.listHosted({}, { signal }),
    interval,
  );
  if (problem && !value) return <Failure what="list of hosted plugins" problem={problem} retry={retry} />;
  const wanted = plugin.toLowerCase();
  const plugins = (value?.plugins ?? []).filter((one) => !wanted || one.plugin.toLowerCase() === wanted);
  if (!value || plugins.length === 0) return null;
  return (
    <Panel title="Run by the operator" end={shown(value.directory, 120)}>
      <ul class="items">
        {plugins.map((one) => (
          <Item key={one.name} hosted={one} />
        ))}
      </ul>
    </Panel>
  );
}

function Item({ hosted }: { hosted: HostedPlugin }) {
  const { name, state, message, plugin, version, pid, restarts, lastExit, lastLines, since, nextStartAt } = hosted;
  const facts = [
    shown(`${plugin} ${version}`.trim(), 120),
    pid ? `process ${pid}` : '',
    restarts ? countOf(restarts, 'restart') : '',
    lastExit ? `last ${shown(lastExit, 80)}` : '',
  ].filter(Boolean);
  const [word, icon] = states[state as HostedState] ?? states[HostedState.UNSPECIFIED];
  return (
    <li>
      <span class={`state-${icon}`}>
        <Icon name={icon} />
      </span>
      <div class="wrap">
        <p>
          <strong>{shown(name, 120)}</strong> {word}{' '}
          <span class="muted">
            {facts.join(', ')}
            {nextStartAt && (
              <>
                {facts.length > 0 ? ', ' : ''}next start <Age time={nextStartAt} />
              </>
            )}
          </span>
        </p>
        {message && <p class="state-failing">{shown(message)}</p>}
        {lastLines.length > 0 && (
          <details>
            <summary>Last lines of its errors</summary>
            <pre class="text">{lastLines.map((line) => printableLines(line).slice(0, 2_000)).join('\n')}</pre>
          </details>
        )}
      </div>
      <span class="muted number">
        <Age time={since} />
      </span>
    </li>
  );
}
