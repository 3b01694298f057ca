import type { PluginLoad } from '@kplug/protocol/services';
import { useEffect } from 'preact/hooks';
import { clients } from '../data/clients.ts';
import { isStale, now } from '../data/connection.ts';
import { summary } from '../data/summary.ts';
import { useLoaded } from '../data/use-loaded.ts';
import { formatCount } from '../format/number.ts';
import { shown } from '../format/shown.ts';
import { Age } from '../parts/age.tsx';
import { Empty, Failure, Loading } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';
import { useScrollPosition } from '../parts/use-scroll-position.ts';
import { formatFilter, noFilter } from '../routing/filter.ts';
import { overviewLink } from '../routing/route.ts';
import { FailedShare, Percentile, ResourceShare } from './figures.tsx';
import { groupPlugins } from './group-plugins.ts';
import { Hosted } from './hosted.tsx';
import { InstanceList } from './instance-list.tsx';
import { Refusals } from './refusals.tsx';
import { useInstances } from './use-instances.ts';

/** Interval at which figures are loaded again, in milliseconds. */
const interval = 5_000;

/** Screen of a plugin: its instances, figures and failures. */
export function PluginScreen({ plugin }: { plugin: string }) {
  useEffect(() => {
    document.title = `${shown(plugin, 80)} – Kplug`;
  }, [plugin]);
  const { instances, problem } = useInstances(plugin);
  const load = useLoaded('load', (signal) => clients.load.getLoad({}, { signal }), interval);
  const security = useLoaded('security', (signal) => clients.security.getSecurity({}, { signal }), interval);
  useScrollPosition(instances !== undefined);
  const own = (load.value?.plugins ?? []).filter((one) => one.plugin.toLowerCase() === plugin.toLowerCase());
  const owners = (security.value?.nameOwners ?? []).filter((one) => one.plugin.toLowerCase() === plugin.toLowerCase());
  const rows = groupPlugins(instances ?? [], own, owners, now.value);
  const row = rows.find(({ name }) => name.toLowerCase() === plugin.toLowerCase());
  return (
    <div class={isStale.value ? 'stack stale' : 'stack'}>
      <div class="heading">
        <div>
          <p class="muted">
            <a href="#/plugins">Plugins</a> / {row?.owner ? shown(row.owner, 120) : 'plugin'}
          </p>
          <h1>
            {shown(row?.name ?? plugin, 80)} <span class="muted">{shown(row?.versions.join(', ') ?? '', 120)}</span>
          </h1>
        </div>
        <div class="end">
          <a class="button" href={overviewLink(formatFilter({ ...noFilter, plugin }))}>
            Its resources
          </a>
        </div>
      </div>
      {problem && !isStale.value && (
        <Failure what={instances ? 'newer list of instances' : 'list of instances'} problem={problem} />
      )}
      {!instances && !problem && <Loading what="the instances" />}
      {instances && !row && (
        <Empty title="No such plugin is registered" command={`kplug plugins`}>
          It may be stopped or refused, or the name may be mistyped. This command shows the plugins, and which were
          refused.
        </Empty>
      )}
      {row && <InstanceList instances={row.instances} />}
      {row?.load && <Figures load={row.load} />}
      {row?.load && <Failures load={row.load} />}
      <Refusals plugin={plugin} />
      <Hosted plugin={plugin} />
    </div>
  );
}

function Figures({ load }: { load: PluginLoad }) {
  const resources = summary.value?.delegations.reduce((sum, { total }) => sum + total, 0) ?? 0;
  const rows = [
    ['Calls, last minute', load.recentCalls],
    ['Calls since the start', load.totalCalls],
    ['Passes, last minute', load.recentPasses],
    ['Passes since the start', load.totalPasses],
  ] as const;
  return (
    <Panel title="Work" end={load.inFlight === undefined ? '' : `${formatCount(load.inFlight)} in flight`}>
      <p class="share-line">
        <ResourceShare load={load} resources={resources} /> <span class="muted">of the resources</span>
      </p>
      <table class="data-table">
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">What</span>
            </th>
            <th scope="col" class="right">
              Number
            </th>
            <th scope="col" class="right">
              Failed
            </th>
            <th scope="col" class="right">
              p50
            </th>
            <th scope="col" class="right">
              p99
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, figures]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="right">{figures ? formatCount(figures.count) : '–'}</td>
              <td class="right">
                <FailedShare figures={figures} />
              </td>
              <td class="right">
                <Percentile figures={figures} name="p50" />
              </td>
              <td class="right">
                <Percentile figures={figures} name="p99" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Failures({ load }: { load: PluginLoad }) {
  if (load.failures.length === 0) return null;
  return (
    <Panel title="Failures by reason" end="since the start">
      <ul class="items">
        {load.failures.map(({ reason, count, lastAt, lastMessage }) => (
          <li key={reason}>
            <strong class="number state-failing">{formatCount(count)}</strong>
            <div class="wrap">
              <p>
                <strong>{shown(reason, 80)}</strong>
              </p>
              <p class="muted">{shown(lastMessage)}</p>
            </div>
            <span class="muted number">
              <Age time={lastAt} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
